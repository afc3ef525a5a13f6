import { type Caller, mayUse } from "../caller/caller.ts";
import type { Choice, Model, ModelTarget, Route, Target, TargetLimits } from "../dialect/routing.ts";
import type { GatewayError } from "../kernel/errors.ts";
import { coolDown, mayGoOn } from "./may-go-on.ts";
import { inOrder } from "./target-order.ts";
import { type Candidate, type Plan, TargetPlan } from "./target-plan.ts";
import type { TargetState } from "./target-state.ts";
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
    const groups = (isOwnKey ? allowed.slice(0, 1) : allowed).map((one) => this.#withTwins(one, wanted));
    const choose: Choice = fallback?.choose ?? "order";
    const conversation = fallback?.sticky === false ? undefined : wanted.conversation;
    const ordered = inOrder(groups, { choose, conversation, random: this.#random });
    return new TargetPlan({
      candidates: ordered.flatMap(({ rest, ...first }) => [first, ...rest]),
      promptTokens: wanted.promptTokens,
      coolDownMs: fallback?.coolDownMs ?? COOL_DOWN_MS,
      firstTokenMs: fallback?.firstTokenMs,
      now: this.#now,
    });
  }

  /** A target with one of its route's keys, and `rest`: the same with the others, in turn. */
  #withTwins({ route, model, weight, limits }: Weighted, { isOwnKey, conversation }: Wanted): Group {
    const candidate = (twin: Route): Candidate => {
      const target = { route: twin, model: model && { ...model, route: twin } };
      return { id: idOf(twin, model), weight, target, state: this.#states.of(target, limits) };
    };
    const first = candidate(route);
    if (isOwnKey || !route.twins) return { ...first, rest: [] };
    const all = [first, ...route.twins.map(candidate)];
    const [head = first, ...rest] = inOrder(all, { choose: "weights", conversation, random: this.#random });
    return { ...head, rest };
  }
}

type Weighted = Target & Pick<ModelTarget, "weight" | "limits">;
type Group = Candidate & { readonly rest: readonly Candidate[] };
