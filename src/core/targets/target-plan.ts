import type { Target } from "../dialect/routing.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { MayRetry } from "../ports/upstream.ts";
import { coolDown, mayGoOn } from "./may-go-on.ts";
import type { Weighed } from "./target-order.ts";
import type { Place, Readiness } from "./target-state.ts";

/** A target that a request may try. */
export interface Candidate extends Weighed {
  readonly target: Target;
}

/** The targets left for one request. The attempt that runs holds a place on its target; the plan gives each back. */
export interface Plan {
  /** The next target; undefined if none is left. Throws `rate_limited` for the first if all are at their own limits. */
  next(): Target | undefined;
  /** Whether another target may answer after this failure. */
  mayGoOn(error: GatewayError): boolean;
  /** The running attempt's answer has begun: there is no other attempt after that. */
  answered(): void;
  /** The running attempt has failed before that, and is over. */
  failed(error: GatewayError): void;
  /** The stream has ended. */
  end(): void;
  /** Whether a target is left that may be tried now. */
  readonly hasNext: boolean;
  /** The last attempt's failure for its client, which may come back as soon as one of the targets may be tried. */
  withWait(error: GatewayError): GatewayError;
  /** How often the running attempt may be repeated on its own target: hardly, while another is left. */
  mayRetry(asked: MayRetry): MayRetry;
  /** How long an attempt may take until its answer begins, in milliseconds; undefined: as long as its route allows. */
  readonly firstTokenMs: number | undefined;
}

/** When a client is asked to come back though a target could be tried at once: it has just failed. */
const LEAST_WAIT_MS = 1_000;

/** Whether a request may be sent to a target of this readiness, if there is no better one. */
const mayTry = (readiness: Readiness): boolean =>
  readiness.is !== "full" && !(readiness.is === "cooling" && readiness.isAsked);

const waitOf = (readiness: Readiness): number => ("waitMs" in readiness ? readiness.waitMs : 0);

/** What a plan is made from. */
export interface TargetPlanParts {
  /** In the order in which they are tried, if all are ready. */
  readonly candidates: readonly Candidate[];
  readonly promptTokens: number;
  /** How long a target that fails is spared, unless the failure says otherwise. */
  readonly coolDownMs: number;
  readonly firstTokenMs: number | undefined;
  readonly now: () => number;
}

/** The plan of a request for a model with several targets. */
export class TargetPlan implements Plan {
  readonly firstTokenMs: number | undefined;
  readonly #all: readonly Candidate[];
  readonly #left: Candidate[];
  readonly #promptTokens: number;
  readonly #coolDownMs: number;
  readonly #now: () => number;
  #place: Place | undefined;

  constructor({ candidates, promptTokens, coolDownMs, firstTokenMs, now }: TargetPlanParts) {
    this.#all = candidates;
    this.#left = [...candidates];
    this.#promptTokens = promptTokens;
    this.#coolDownMs = coolDownMs;
    this.firstTokenMs = firstTokenMs;
    this.#now = now;
  }

  next(): Target | undefined {
    const now = this.#now();
    const found = this.#best(now);
    if (!found) return undefined;
    this.#left.splice(this.#left.indexOf(found), 1);
    this.#place?.end();
    this.#place = found.state.take(now, this.#promptTokens);
    return found.target;
  }

  get hasNext(): boolean {
    const now = this.#now();
    return this.#left.some(({ state }) => mayTry(state.readiness(now, this.#promptTokens)));
  }

  withWait(error: GatewayError): GatewayError {
    const { code, message, details, retryable, cause, retryAfterMs: asked } = error;
    if (asked === undefined) return error;
    const now = this.#now();
    const waits = this.#all.map(({ state }) => waitOf(state.readiness(now, this.#promptTokens)));
    const retryAfterMs = Math.min(asked, Math.max(LEAST_WAIT_MS, Math.ceil(Math.min(...waits))));
    return new GatewayError(code, message, { ...(details && { details }), retryable, cause, retryAfterMs });
  }

  mayRetry(asked: MayRetry): MayRetry {
    return asked === true && this.hasNext ? "reconnect" : asked;
  }

  mayGoOn(error: GatewayError): boolean {
    return this.hasNext && mayGoOn(error);
  }

  answered(): void {
    this.#place?.answered();
    this.#left.length = 0;
  }

  failed(error: GatewayError): void {
    if (!mayGoOn(error)) return;
    this.#place?.failed(this.#now(), coolDown(error, this.#coolDownMs));
  }

  end(): void {
    this.#place?.end();
    this.#left.length = 0;
  }

  /**
   * The first that is ready; otherwise the one that has cooled down soonest, which may work again, but none that has asked
   * for its wait: it would refuse, and might ask for more.
   */
  #best(now: number): Candidate | undefined {
    const seen = this.#left.map((one) => ({ one, readiness: one.state.readiness(now, this.#promptTokens) }));
    const ready = seen.find(({ readiness }) => readiness.is === "ready" || readiness.is === "trial");
    if (ready) return ready.one;
    const waits = seen.flatMap(({ one, readiness }) => ("waitMs" in readiness ? [{ one, readiness }] : []));
    const [soonest] = waits.sort((a, b) => a.readiness.waitMs - b.readiness.waitMs);
    const cooling = waits.find(({ readiness }) => mayTry(readiness));
    if (cooling || !soonest || this.#place) return cooling?.one;
    const retryAfterMs = Math.max(1, Math.ceil(soonest.readiness.waitMs));
    throw soonest.readiness.is === "full"
      ? new GatewayError("rate_limited", "all targets of the model are at their own limits", {
          retryAfterMs,
          setting: "models.<alias>.targets",
        })
      : new GatewayError("upstream_rate_limited", "all targets of the model have asked to wait", { retryAfterMs });
  }
}
