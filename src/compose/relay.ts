import { getHeapStatistics } from "node:v8";
import type { Caller, Caps } from "../core/caller/caller.ts";
import type { InboundBudget } from "../core/caller/inbound-budget.ts";
import { OpenRate } from "../core/caller/open-rate.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { Ledger } from "../core/ledger/ledger.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { UpstreamPort } from "../core/ports/upstream.ts";
import { Probes, type ProbesParts } from "../core/probe/probes.ts";
import { KeyReservations } from "../core/quota/key-reservations.ts";
import type { SharedAccounts } from "../core/quota/shared-accounts.ts";
import { Relay } from "../core/relay/relay.ts";
import { LogBudget } from "../core/stream/log-budget.ts";
import type { ReadTurn } from "../core/stream/read-turn.ts";
import { StreamRegistry } from "../core/stream/registry.ts";
import type { ResumeFailure } from "../core/stream/resume-failure.ts";
import { Sweeper } from "../core/stream/sweeper.ts";
import { Targets } from "../core/targets/targets.ts";
import { LogBlocks } from "../storage/logs/log-blocks.ts";
import type { Limits } from "./limits.ts";

/** How often grace, retention, pauses and drains are checked. */
const SWEEP_MS = 1_000;
/** Memory of a running stream besides its log: sockets, a request, a parser, a pending read while it is paused. */
const STREAM_BYTES = 64 * 1024;
/** Heap growth per byte in use until garbage is collected (measured by `npm run soak`, scenario `stalled`). */
const HEAP_SLACK = 1.5;

/** The relay, until it is disposed. */
export interface RelayConnections extends Disposable {
  readonly relay: Relay;
  /** The health of what the models run on. */
  readonly targets: Targets;
  readonly reservations: KeyReservations;
}

/** The streams' registry and memory. */
export interface Streams {
  readonly registry: StreamRegistry;
  /** The memory of all logs, and of unfinished events not yet in a log. */
  readonly budget: LogBudget;
}

/**
 * Opens the registry of streams clients may resume, and the memory of all logs, which they use between upstreams' `reads`.
 * `resumed` gets each resume's outcome.
 */
export function openRegistry(
  limits: Limits,
  clock: Clock,
  reads: ReadTurn,
  resumed: ((outcome: ResumeFailure | "resumed") => void) | undefined,
): Streams {
  const memoryBytes = limits.totalLogBytes || getHeapStatistics().heap_size_limit / 4;
  const budget = new LogBudget(Math.floor(memoryBytes / HEAP_SLACK), () => registry.relieve(), new LogBlocks(reads));
  const registry = new StreamRegistry(limits, budget, clock.now, resumed);
  return { registry, budget };
}

/** Sets up the relay with quotas and sweeps. Resolves once each key's usage so far is known. */
export async function connectRelay(parts: {
  readonly limits: Limits;
  readonly registry: StreamRegistry;
  readonly budget: LogBudget;
  readonly upstream: UpstreamPort;
  readonly ledger: Ledger;
  /** Of all callers together, as they are now. */
  readonly caps: () => Caps;
  /** Where caps are counted, if not in this process. */
  readonly shared: SharedAccounts | undefined;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly newId: () => string;
  /** The memory of request bodies, held until their responses begin. */
  readonly requests: InboundBudget;
  /** Throws when the process is too busy for one more stream of this caller. */
  readonly admit: (caller: Caller) => void;
}): Promise<RelayConnections> {
  const { limits, registry, budget, upstream, ledger, observer, clock, newId } = parts;
  const { shared } = parts;
  const reservations = new KeyReservations({ clock, ledger, all: parts.caps, shared });
  if (!shared) await reservations.restore();
  const targets = new Targets(() => clock.now(), Math.random);
  const relay = new Relay({
    upstream,
    observer,
    clock,
    newId,
    log: { maxBytes: limits.logBytes, maxEntries: limits.logEntries },
    drain: {
      get ms() {
        return limits.drainUsageMs;
      },
      bytes: limits.drainUsageBytes,
    },
    get openStreams() {
      return limits.openStreams;
    },
    requests: parts.requests,
    opens: new OpenRate(limits, clock),
    budget,
    streamBytes: STREAM_BYTES,
    reservations,
    targets,
    admit(caller) {
      registry.admit();
      parts.admit(caller);
    },
  });
  const sweeper = new Sweeper([registry, relay], SWEEP_MS, clock.now());
  // setImmediate runs after reads: data that arrived while the process was suspended counts before any timeout does.
  const sweep = setInterval(() => void setImmediate(() => sweeper.sweep(clock.now())), SWEEP_MS);
  return { relay, targets, reservations, [Symbol.dispose]: () => clearInterval(sweep) };
}

/** Probes the routes that want it, until they are disposed or the gateway begins to stop. */
export function connectProbes(
  parts: ProbesParts & { readonly relay: Pick<Relay, "isStopping"> },
): Disposable & Pick<Probes, "lastOf"> {
  const probes = new Probes(parts);
  const sweep = setInterval(() => {
    if (parts.relay.isStopping) probes.stop();
    else probes.sweep(parts.clock.now());
  }, SWEEP_MS).unref();
  return {
    lastOf: (route) => probes.lastOf(route),
    [Symbol.dispose]() {
      clearInterval(sweep);
      probes.stop();
    },
  };
}
