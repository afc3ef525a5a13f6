import type { Code } from "../../../protocol/codes.ts";
import type { Route } from "../dialect/routing.ts";
import type { Clock } from "../kernel/clock.ts";
import type { GatewayError } from "../kernel/errors.ts";
import { upstreamPath } from "../pass-through/open-pass-through.ts";
import { NO_PASS_THROUGH, type PassThroughCall, type PassThroughPort } from "../ports/pass-through.ts";
import { routeHeaders } from "../relay/open-request.ts";
import type { LastProbe } from "../targets/target-views.ts";
import type { Targets } from "../targets/targets.ts";

/** A list of models above this is not read to its end; OpenRouter's, the largest known, has 1 MB. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

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

  /** Begins the probes that are due. `now`: the clock's reading in milliseconds. */
  sweep(now: number): void {
    if (this.#isStopped) return;
    const all = this.#parts.routes().flatMap((route) => [route, ...(route.twins ?? [])]);
    const probed = all.filter(({ probe }) => probe !== undefined);
    const names = new Set(probed.map(({ name }) => name));
    for (const [name, { call }] of this.#probes) {
      if (names.has(name)) continue;
      call.abort();
      this.#probes.delete(name);
    }
    for (const route of probed) {
      const before = this.#probes.get(route.name);
      const isDue = !before || (!before.isRunning && now - before.startedAt >= (route.probe?.everyMs ?? 0));
      if (isDue) this.#begin(route, now, before?.last);
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
    const probe: Probe = { startedAt: now, call: NO_PASS_THROUGH, isRunning: true, last };
    this.#probes.set(name, probe);
    const over = (error?: GatewayError) => {
      probe.isRunning = false;
      probe.last = { at: clock.wall(), ms: Math.round(clock.now() - now), code: error?.code ?? null };
      targets.probed(name, error);
      probed(name, error?.code ?? "ok");
    };
    probe.call = upstream.passThrough(
      {
        route: name,
        method: "GET",
        path: upstreamPath(route, "/v1/models"),
        query: [],
        headers: routeHeaders(route, undefined),
        body: { is: "none" },
        model: undefined,
        isOwnKey: false,
        maxResponseBytes: MAX_LIST_BYTES,
      },
      { ready() {}, responded() {}, data() {}, end: () => over(), fail: over },
    );
  }
}
