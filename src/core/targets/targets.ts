import { type Caller, mayUse } from "../caller/caller.ts";
import type { Choice, Route, Target, TargetLimits } from "../dialect/routing.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { MayRetry } from "../ports/upstream.ts";
import { coolDown, mayGoOn } from "./may-go-on.ts";
import { inOrder, type Weighed } from "./target-order.ts";
import { type Place, TargetState } from "./target-state.ts";

/** Most targets whose health is remembered; callers may name any model of a route. */
const MAX_STATES = 1_000;

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
  /** Whether a target is left. */
  readonly hasNext: boolean;
  /** How often the running attempt may be repeated on its own target: hardly, while another is left. */
  mayRetry(asked: MayRetry): MayRetry;
  /** How long an attempt may take until its answer begins, in milliseconds; undefined: as long as its route allows. */
  readonly firstTokenMs: number | undefined;
}

/** Knows every target's health, and plans which targets a request tries. */
export class Targets {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #states = new BoundedMap<string, TargetState>(MAX_STATES, (state) => state.running === 0);

  /** `now`: a monotonic clock in milliseconds. `random`: numbers in [0, 1). */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  /** The health of a target with these limits; undefined if no request was planned for it. */
  stateOf({ route, model }: Target, limits: TargetLimits): TargetState | undefined {
    return this.#states.get(stateId(route, model?.upstreamModel ?? "", limits));
  }

  /** The configuration has changed, which may have mended what failed: every target is tried again. */
  retryNow(): void {
    for (const state of this.#states.values()) state.retryNow();
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

  /** One for all models that name the target with the same limits; another when a reload changes them. */
  #state(target: Target, limits: TargetLimits): TargetState {
    const known = this.stateOf(target, limits);
    if (known) return known;
    const state = new TargetState(limits, this.#now());
    this.#states.set(stateId(target.route, target.model?.upstreamModel ?? "", limits), state);
    return state;
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
      return { id: idOf(twin, model?.upstreamModel ?? ""), weight, target, state: this.#state(target, limits) };
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

const stateId = (route: Route, model: string, limits: TargetLimits): string =>
  `${idOf(route, model)}\n${JSON.stringify(limits)}`;

const idOf = (route: Route, model: string): string => `${route.name}\n${model}`;

class TargetPlan implements Plan {
  readonly firstTokenMs: number | undefined;
  readonly #left: Candidate[];
  readonly #promptTokens: number;
  readonly #coolMs: number;
  readonly #now: () => number;
  #place: Place | undefined;

  constructor(
    left: readonly Candidate[],
    promptTokens: number,
    coolMs: number,
    firstTokenMs: number | undefined,
    now: () => number,
  ) {
    this.#left = [...left];
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
    return this.#left.length > 0;
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
    const { ms, atOnce } = coolDown(error, this.#coolMs);
    this.#place?.failed(this.#now(), ms, atOnce);
  }

  end(): void {
    this.#place?.end();
    this.#left.length = 0;
  }

  /** The first that is ready; otherwise the one that has cooled down soonest, which may work again. */
  #best(now: number): Candidate | undefined {
    const seen = this.#left.map((one) => ({ one, readiness: one.state.readiness(now, this.#promptTokens) }));
    const ready = seen.find(({ readiness }) => readiness.is === "ready" || readiness.is === "trial");
    if (ready) return ready.one;
    const waits = seen.flatMap(({ one, readiness }) =>
      "waitMs" in readiness ? [{ one, is: readiness.is, waitMs: readiness.waitMs }] : [],
    );
    const [soonest] = waits.sort((a, b) => a.waitMs - b.waitMs);
    const [cooling] = waits.filter(({ is }) => is === "cooling");
    if (cooling || !soonest || this.#place) return cooling?.one;
    throw new GatewayError("rate_limited", "all targets of the model are at their own limits", {
      retryAfterMs: Math.max(1, Math.ceil(soonest.waitMs)),
      setting: "models.<alias>.targets",
    });
  }
}
