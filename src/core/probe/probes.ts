import type { Code } from "../../../protocol/codes.ts";
import type { Route } from "../dialect/routing.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import { upstreamPath } from "../pass-through/open-pass-through.ts";
import {
  NO_PASS_THROUGH,
  type PassThroughCall,
  type PassThroughPort,
  type PassThroughRequest,
  type PassThroughSink,
} from "../ports/pass-through.ts";
import { routeHeaders } from "../relay/open-request.ts";
import type { LastProbe } from "../targets/target-views.ts";
import type { Targets } from "../targets/targets.ts";

/** A list of models above this is not read to its end; OpenRouter's, the largest known, has 1 MB. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

/** A server that works has its list of models within a second; the waits that a route grants answers are minutes. */
const DEADLINE_MS = 10_000;

/** The reason of a success that is not JSON: a page of a proxy, or of a server that has one for every path. */
const NO_LIST = "no_list";

/** What probes are made with. */
export interface ProbesParts {
  readonly upstream: PassThroughPort;
  /** The routes as they are now. */
  readonly routes: () => readonly Route[];
  /** Is told each outcome. */
  readonly targets: Pick<Targets, "probed">;
  /** Counts each outcome: `ok` or a code. */
  readonly probed: (route: string, outcome: Code | "ok") => void;
  readonly clock: Clock;
}

interface Probe {
  readonly startedAt: number;
  call: PassThroughCall;
  isRunning: boolean;
  last: LastProbe | undefined;
  readonly over: (error?: GatewayError) => void;
}

/**
 * Asks the routes that want it for their list of models (`GET /v1/models`), which costs nothing, by the route's own way out.
 * Call `sweep` about once a second.
 */
export class Probes {
  readonly #parts: ProbesParts;
  /** By route. */
  readonly #probes = new Map<string, Probe>();
  #isStopped = false;

  constructor(parts: ProbesParts) {
    this.#parts = parts;
  }

  /** A route's last outcome. */
  lastOf(route: string): LastProbe | undefined {
    return this.#probes.get(route)?.last;
  }

  /** Closes the probes that have taken too long and begins those that are due. `now`: the clock's reading in milliseconds. */
  sweep(now: number): void {
    if (this.#isStopped) return;
    const all = this.#parts.routes().flatMap((route) => [route, ...(route.twins ?? [])]);
    const probed = all.filter(({ probe }) => probe !== undefined);
    this.#forget(new Set(probed.map(({ name }) => name)));
    for (const { call, isRunning, startedAt, over } of this.#probes.values()) {
      if (!isRunning || now - startedAt < DEADLINE_MS) continue;
      call.abort();
      over(new GatewayError("upstream_timeout"));
    }
    for (const route of probed) {
      const before = this.#probes.get(route.name);
      const isDue = !before || (!before.isRunning && now - before.startedAt >= (route.probe?.everyMs ?? 0));
      if (isDue) this.#begin(route, now, before?.last);
    }
  }

  /** Drops the probes of routes that are not named. */
  #forget(kept: ReadonlySet<string>): void {
    for (const [name, { call }] of this.#probes) {
      if (kept.has(name)) continue;
      call.abort();
      this.#probes.delete(name);
    }
  }

  /** No probe begins any more, and running ones are closed. */
  stop(): void {
    this.#isStopped = true;
    for (const { call } of this.#probes.values()) call.abort();
  }

  #begin(route: Route, now: number, last: LastProbe | undefined): void {
    const { upstream, clock, targets, probed } = this.#parts;
    const { name } = route;
    const over = (error?: GatewayError) => {
      probe.isRunning = false;
      probe.last = { at: clock.wall(), ms: Math.round(clock.now() - now), code: error?.code ?? null };
      // A page in place of a list tells nothing of the models, neither that they answer nor that they do not.
      if (error?.details?.reason !== NO_LIST) targets.probed(name, error);
      probed(name, error?.code ?? "ok");
    };
    const probe: Probe = { startedAt: now, call: NO_PASS_THROUGH, isRunning: true, last, over };
    this.#probes.set(name, probe);
    probe.call = upstream.passThrough(listRequest(route), new ListSink(over));
  }
}

const listRequest = (route: Route): PassThroughRequest => ({
  route: route.name,
  method: "GET",
  path: upstreamPath(route, "/v1/models"),
  query: [],
  headers: routeHeaders(route, undefined),
  body: { is: "none" },
  model: undefined,
  isOwnKey: false,
  maxResponseBytes: MAX_LIST_BYTES,
});

/** Looks no further into a list than whether it is JSON. */
class ListSink implements PassThroughSink {
  readonly #over: (error?: GatewayError) => void;
  #first = "";

  constructor(over: (error?: GatewayError) => void) {
    this.#over = over;
  }

  ready(): void {}

  responded(): void {}

  data(bytes: ByteString): void {
    this.#first ||= bytes.trimStart().slice(0, 1);
  }

  end(): void {
    if (this.#first === "{" || this.#first === "[") this.#over();
    else this.#over(new GatewayError("upstream_bad_response", undefined, { details: { reason: NO_LIST } }));
  }

  fail(error: GatewayError): void {
    this.#over(error);
  }
}
