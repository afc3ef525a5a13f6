import { getHeapStatistics } from "node:v8";
import type { Caller } from "../core/caller/caller.ts";
import type { InboundBudget } from "../core/caller/inbound-budget.ts";
import { OpenRate } from "../core/caller/open-rate.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { Ledger } from "../core/ledger/ledger.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { UpstreamPort } from "../core/ports/upstream.ts";
import { KeyReservations } from "../core/quota/key-reservations.ts";
import { Relay } from "../core/relay/relay.ts";
import { LogBudget } from "../core/stream/budget.ts";
import { type ResumeFailure, StreamRegistry } from "../core/stream/registry.ts";
import { Sweeper } from "../core/stream/sweeper.ts";
import type { Limits } from "./limits.ts";

/** What is remembered at once, oldest forgotten first: some hundred bytes each. */
const REMEMBERED_IDS = 10_000;
/** How exactly grace, retention, pauses and drains are kept. */
const SWEEP_MS = 1_000;
/** What a running stream takes beside its log: sockets, a request, a parser, a read that waits while it is held back. */
const STREAM_BYTES = 64 * 1024;
/** What the heap takes for what is in use, until garbage is collected (`npm run soak`, scenario `stalled`). */
const HEAP_SLACK = 1.5;

export interface RelayConnections extends Disposable {
  readonly relay: Relay;
}

export interface Streams {
  readonly registry: StreamRegistry;
  /** What all logs may take, and what the calls hold of events that are not in a log yet. */
  readonly budget: LogBudget;
}

/** The streams clients may come back to, and the memory of all logs. `resumed` hears the outcome of every resume. */
export function openRegistry(
  limits: Limits,
  clock: Clock,
  resumed: ((outcome: ResumeFailure | "resumed") => void) | undefined,
): Streams {
  const memoryBytes = limits.totalLogBytes || getHeapStatistics().heap_size_limit / 4;
  const budget = new LogBudget(Math.floor(memoryBytes / HEAP_SLACK), () => registry.relieve());
  const registry = new StreamRegistry({ ...limits, rememberedIds: REMEMBERED_IDS }, budget, clock.now, resumed);
  return { registry, budget };
}

/** Where streams run, wait for their clients, and are paid for. Resolves when it is known what keys have spent. */
export async function connectRelay(parts: {
  readonly limits: Limits;
  readonly registry: StreamRegistry;
  readonly budget: LogBudget;
  readonly upstream: UpstreamPort;
  readonly ledger: Ledger;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Room for the bodies of requests until their answers begin. */
  readonly requests: InboundBudget;
  /** Throws when the process is too busy for one more stream of this caller. */
  readonly admit: (caller: Caller) => void;
}): Promise<RelayConnections> {
  const { limits, registry, budget, upstream, ledger, observer, clock, newId } = parts;
  const reservations = new KeyReservations({ clock, ledger });
  await reservations.restore();
  const relay = new Relay({
    upstream,
    observer,
    clock,
    newId,
    log: { maxBytes: limits.logBytes, maxEntries: limits.logEntries },
    drain: { ms: limits.drainUsageMs, bytes: limits.drainUsageBytes },
    openStreams: limits.openStreams,
    requests: parts.requests,
    opens: new OpenRate(limits, clock),
    budget,
    streamBytes: STREAM_BYTES,
    reservations,
    admit(caller) {
      registry.admit();
      parts.admit(caller);
    },
  });
  const sweeper = new Sweeper([registry, relay], SWEEP_MS, clock.now());
  // setImmediate comes after reading: what arrived while the process stood still counts before anybody is judged.
  const sweep = setInterval(() => void setImmediate(() => sweeper.sweep(clock.now())), SWEEP_MS);
  return { relay, [Symbol.dispose]: () => clearInterval(sweep) };
}
