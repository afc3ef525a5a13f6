import type { Target } from "../dialect/routing.ts";
import { GatewayError, toGatewayError } from "../kernel/errors.ts";
import { asString } from "../kernel/json.ts";
import type { MayRetry } from "../ports/upstream.ts";
import type { AttemptRequest, Reservation } from "../quota/reservation.ts";
import type { Plan } from "../targets/target-plan.ts";
import type { Targets } from "../targets/targets.ts";
import { estimateTokens } from "../usage/usage.ts";
import type { Holdings } from "./holdings.ts";
import { type OpenRequest, onTarget } from "./open-request.ts";
import type { Prepared } from "./prepared.ts";
import { promptCharacters } from "./prompt-size.ts";

/** A request that its target can take. */
export interface Ready {
  readonly request: OpenRequest;
  readonly prepared: Prepared;
}

/** One attempt, ready to begin: it takes over what its stream holds. */
export interface Attempt extends Ready {
  /** From 1. */
  readonly number: number;
  readonly holdings: Holdings;
}

/**
 * The request for the first of its targets that can take it. Throws what the first one throws if none can, and `forbidden` if
 * the caller may use none. `fault` receives faults of our own that another target makes good.
 */
export function firstOf(
  plan: Plan,
  request: OpenRequest,
  ready: (request: OpenRequest) => Ready,
  fault: (error: unknown) => void,
): Ready {
  const thrown: unknown[] = [];
  for (let target = plan.next(); target; target = plan.next()) {
    try {
      const found = ready(onTarget(request, target));
      for (const error of thrown) if (toGatewayError(error).code === "internal") fault(error);
      return found;
    } catch (error) {
      thrown.push(error);
    }
  }
  const setting = "sluice keys create --routes";
  throw thrown[0] ?? new GatewayError("forbidden", "the key does not allow this model's routes", { setting });
}

/** What the attempts of a stream need. */
export interface AttemptsParts {
  readonly plan: Plan;
  readonly request: OpenRequest;
  /** Throws what the dialect throws. */
  readonly prepare: (request: OpenRequest) => Prepared;
  /** Receives faults of our own: the next target is then tried. */
  readonly fault: (error: unknown) => void;
  /** Begins an attempt after the first. Never throws. */
  readonly start: (attempt: Attempt) => void;
  readonly now: () => number;
}

/**
 * The attempts of one stream, one after the other, each on another target, until an answer begins. Keeps the request until
 * then.
 */
export class Attempts {
  readonly #plan: Plan;
  readonly #now: () => number;
  #parts: AttemptsParts | undefined;
  #number = 1;
  #begunAt: number;
  #late: (() => void) | undefined;

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
    this.#plan = parts.plan;
    this.#now = parts.now;
    this.#begunAt = parts.now();
  }

  /** Takes the callback of the attempt that runs, called when its answer has not begun in time and another target is left. */
  running(late: () => void): void {
    this.#begunAt = this.#now();
    this.#late = late;
  }

  /** Whether another target is left. */
  get hasNext(): boolean {
    return this.#plan.hasNext;
  }

  /** How often the running attempt may be repeated on its own target. */
  mayRetry(asked: MayRetry): MayRetry {
    return this.#plan.mayRetry(asked);
  }

  /** The answer has begun: there is no other attempt. */
  answered(): void {
    this.#plan.answered();
    this.#parts = this.#late = undefined;
  }

  /** The last attempt's failure for its client, with the wait until a target may be tried. */
  withWait(error: GatewayError): GatewayError {
    return this.#plan.withWait(error);
  }

  /**
   * The running attempt has failed before its answer began. Returns what begins the next one, which takes over `holdings`;
   * undefined if this failure is the stream's. `isUnsent`: it could not even begin, so another target may, whatever the error.
   */
  after(error: GatewayError, holdings: Holdings, isUnsent: boolean): (() => void) | undefined {
    this.#plan.failed(error);
    const parts = this.#parts;
    while (parts && (isUnsent ? this.#plan.hasNext : this.#plan.mayGoOn(error))) {
      const target = this.#plan.next();
      if (!target) return undefined;
      const attempt = this.#attempt(parts, target, holdings);
      if (attempt) return () => parts.start(attempt);
    }
    return undefined;
  }

  /** Undefined if the target cannot take the request, or the caller's caps cannot be enforced on it. */
  #attempt({ request: first, prepare, fault }: AttemptsParts, target: Target, holdings: Holdings): Attempt | undefined {
    try {
      const request = onTarget(first, target);
      const prepared = prepare(request);
      const { body, inputCharacters, upstreamModel } = prepared;
      const number = this.#number + 1;
      const next = holdings.handOn((one: Reservation) =>
        one.next({ target, body, inputCharacters, upstreamModel, attempt: number } satisfies AttemptRequest),
      );
      this.#number = number;
      return { number, request, prepared, holdings: next };
    } catch (error) {
      if (toGatewayError(error).code === "internal") fault(error);
      return undefined;
    }
  }

  /** Called about once a second. */
  look(now: number): void {
    const { firstTokenMs = Number.POSITIVE_INFINITY } = this.#plan;
    // A unary answer begins and ends at once.
    if (!this.#late || this.#parts?.request.unary || now - this.#begunAt < firstTokenMs) return;
    if (this.#plan.hasNext) this.#late();
  }

  /** The process stood still for `ms`, which does not count. */
  forgive(ms: number): void {
    this.#begunAt += ms;
  }

  /** The stream has ended. */
  end(): void {
    this.#plan.end();
    this.#parts = this.#late = undefined;
  }
}

/** Why an attempt is left whose answer has not begun in time. */
export const tooLate = (): GatewayError =>
  new GatewayError("upstream_timeout", "the answer has not begun in time", {
    details: { timer: "first_token" },
    setting: "models.<alias>.firstTokenMs",
  });

/** The plan of a request whose model has several targets. */
export function planFor(
  { target, caller, upstreamKey, session, body, bodyFor, isUncounted }: OpenRequest,
  targets: Targets | undefined,
): Plan | undefined {
  // A side call goes below its route's own path.
  if (!targets || isUncounted || !(target.model?.fallback || target.route.twins)) return undefined;
  return targets.plan({
    target,
    caller,
    isOwnKey: upstreamKey !== undefined,
    isOfAnyDialect: bodyFor !== undefined,
    conversation: session ?? asString(body.prompt_cache_key),
    promptTokens: estimateTokens(promptCharacters(body, target.route.dialect)),
  });
}
