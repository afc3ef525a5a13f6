import { type Caller, mayUse } from "../caller/caller.ts";
import type { Choice, Model, Route, Target, TargetLimits } from "../dialect/routing.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { MayRetry } from "../ports/upstream.ts";
import { coolDown, mayGoOn } from "./may-go-on.ts";
import { inOrder, type Weighed } from "./target-order.ts";
import type { Place, Readiness, TargetState } from "./target-state.ts";
import { idOf, TargetStates } from "./target-states.ts";

/** How long a target that fails is spared, unless its model says otherwise, in milliseconds. */
export const COOL_DOWN_MS = 30_000;

/** A request, as targets are chosen for it. */
export interface Wanted {
  readonly target: Target;
  readonly caller: Caller;
  /** The caller brings its own key for the first target, which no other must see. */
  readonly isOwnKey: boolean;
  /** Targets of another dialect than the first may be tried. */
  readonly isOfAnyDialect: boolean;
  readonly conversation: string | undefined;
  /** An estimate. */
  readonly promptTokens: number;
}

interface Candidate extends Weighed {
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
  /** The last attempt's failure as its client is told: it may come back as soon as one of the targets may be tried. */
  told(error: GatewayError): GatewayError;
  /** How often the running attempt may be repeated on its own target: hardly, while another is left. */
  mayRetry(asked: MayRetry): MayRetry;
  /** How long an attempt may take until its answer begins, in milliseconds; undefined: as long as its route allows. */
  readonly firstTokenMs: number | undefined;
}

/** Knows every target's health, and plans which targets a request tries. */
export class Targets {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #states: TargetStates;

  /** `now`: a monotonic clock in milliseconds. `random`: numbers in [0, 1). */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
    this.#states = new TargetStates(now);
  }

  /** The health of a target with these limits; undefined if no request was planned for it. */
  stateOf(target: Target, limits: TargetLimits): TargetState | undefined {
    return this.#states.known(target, limits);
  }

  /**
   * A route was asked for something that costs nothing, and answered or failed. One that does not serve it, or not to this key,
   * says nothing about its models. Only targets that requests were planned for have a state to change.
   */
  probed(route: string, error: GatewayError | undefined): void {
    const now = this.#now();
    for (const state of this.#states.ofRoute(route)) {
      if (!error) state.probed(now);
      else if (mayGoOn(error) && error.details?.status !== 403) state.probeFailed(now, coolDown(error, COOL_DOWN_MS));
    }
  }

  /** The configuration has been read again, and these are its models: their limits hold, and every target is tried again. */
  follow(models: readonly Model[]): void {
    this.#states.follow(models);
  }

  /** Plans a request; undefined if its target is the only one and has no limits. */
  plan(wanted: Wanted): Plan | undefined {
    const { target, caller, isOwnKey } = wanted;
    const { fallback } = target.model ?? {};
    if (!fallback && (isOwnKey || !target.route.twins)) return undefined;
    const targets = fallback?.targets ?? [{ model: target.model, route: target.route, weight: 1, limits: {} }];
    const { dialect } = target.route;
    const allowed = targets.filter(
      (one) => mayUse(caller, one) && (wanted.isOfAnyDialect || one.route.dialect === dialect),
    );
    const candidates = (isOwnKey ? allowed.slice(0, 1) : allowed).map((one) =>
      this.#withTwins({ route: one.route, model: one.model }, one.weight, one.limits, isOwnKey, wanted.conversation),
    );
    const choose: Choice = fallback?.choose ?? "order";
    const conversation = fallback?.sticky === false ? undefined : wanted.conversation;
    const groups = candidates.map(([first, ...rest]) => ({ ...first, rest }));
    const ordered = inOrder(groups, { choose, conversation, random: this.#random });
    const all = ordered.flatMap(({ rest, ...first }) => [first, ...rest]);
    return new TargetPlan(
      all,
      wanted.promptTokens,
      fallback?.coolDownMs ?? COOL_DOWN_MS,
      fallback?.firstTokenMs,
      this.#now,
    );
  }

  /** A target once for each key of its route, in turn. */
  #withTwins(
    { route, model }: Target,
    weight: number,
    limits: TargetLimits,
    isOwnKey: boolean,
    conversation: string | undefined,
  ): readonly [Candidate, ...Candidate[]] {
    const candidate = (twin: Route): Candidate => {
      const target = { route: twin, model: model && { ...model, route: twin } };
      return { id: idOf(twin, model), weight, target, state: this.#states.of(target, limits) };
    };
    const first = candidate(route);
    if (isOwnKey || !route.twins) return [first];
    const [head = first, ...rest] = inOrder([first, ...route.twins.map(candidate)], {
      choose: "weights",
      conversation,
      random: this.#random,
    });
    return [head, ...rest];
  }
}

/** When a client is asked to come back though a target could be tried at once: it has just failed. */
const LEAST_WAIT_MS = 1_000;

/** Whether a request may be sent to a target of this readiness, if there is no better one. */
const mayTry = (readiness: Readiness): boolean =>
  readiness.is !== "full" && !(readiness.is === "cooling" && readiness.isAsked);

const waitOf = (readiness: Readiness): number => ("waitMs" in readiness ? readiness.waitMs : 0);

class TargetPlan implements Plan {
  readonly firstTokenMs: number | undefined;
  readonly #all: readonly Candidate[];
  readonly #left: Candidate[];
  readonly #promptTokens: number;
  readonly #coolMs: number;
  readonly #now: () => number;
  #place: Place | undefined;

  constructor(
    all: readonly Candidate[],
    promptTokens: number,
    coolMs: number,
    firstTokenMs: number | undefined,
    now: () => number,
  ) {
    this.#all = all;
    this.#left = [...all];
    this.#promptTokens = promptTokens;
    this.#coolMs = coolMs;
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

  told(error: GatewayError): GatewayError {
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
    this.#place?.failed(this.#now(), coolDown(error, this.#coolMs));
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
      ? new GatewayError("rate_limited", "all targets of the model are at their own limits", { retryAfterMs })
      : new GatewayError("upstream_rate_limited", "all targets of the model have asked to wait", { retryAfterMs });
  }
}
