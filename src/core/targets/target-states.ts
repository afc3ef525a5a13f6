import type { Model, Route, Target, TargetLimits } from "../dialect/routing.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import { TargetState } from "./target-state.ts";

/** Most targets whose health is remembered; callers may name any model of a route. */
const MAX_STATES = 1_000;

/** A target's state, and what it is known by. */
interface Known {
  readonly id: string;
  readonly limits: string;
  readonly state: TargetState;
}

/**
 * The health and load of every target. All models that name one with the same limits share its state; a reload that changes
 * the limits changes them in the state there is, so that what runs on it still counts.
 */
export class TargetStates {
  readonly #now: () => number;
  readonly #states = new BoundedMap<string, Known>(MAX_STATES, ({ state }) => state.running === 0);

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The state of a target with these limits; undefined if it was never used. */
  known(target: Target, limits: TargetLimits): TargetState | undefined {
    return this.#states.get(keyOf(idOf(target.route, target.model), JSON.stringify(limits)))?.state;
  }

  /** The same; a new one if it was never used. */
  of(target: Target, limits: TargetLimits): TargetState {
    const known = this.known(target, limits);
    if (known) return known;
    const state = new TargetState(limits, this.#now());
    this.#set(idOf(target.route, target.model), limits, state);
    return state;
  }

  /** Those of a route that have been used, whatever their models. */
  ofRoute(name: string): readonly TargetState[] {
    return [...this.#states.values()].filter(({ id }) => id.startsWith(`${name}\n`)).map(({ state }) => state);
  }

  /**
   * The configuration has been read again. A state whose limits no model names any more gets those that are new for its
   * target; and every target is tried again, because what made it fail may have been mended.
   */
  follow(models: readonly Model[]): void {
    const now = this.#now();
    const named = limitsById(models);
    for (const { id, limits: before, state } of [...this.#states.values()]) {
      state.retryNow();
      const ofTarget = named.get(id);
      if (!ofTarget || ofTarget.has(before)) continue;
      const [fresh] = [...ofTarget].filter(([limits]) => !this.#states.get(keyOf(id, limits)));
      if (!fresh) continue;
      this.#states.delete(keyOf(id, before));
      state.limit(fresh[1], now);
      this.#set(id, fresh[1], state);
    }
  }

  #set(id: string, limits: TargetLimits, state: TargetState): void {
    const written = JSON.stringify(limits);
    this.#states.set(keyOf(id, written), { id, limits: written, state });
  }
}

/** The limits of every target by its id, as written in the keys of states. */
function limitsById(models: readonly Model[]): ReadonlyMap<string, ReadonlyMap<string, TargetLimits>> {
  const named = new Map<string, Map<string, TargetLimits>>();
  for (const model of models) {
    const targets = model.fallback?.targets ?? [{ route: model.route, model, limits: {} }];
    for (const { route, model: there, limits } of targets) {
      for (const twin of [route, ...(route.twins ?? [])]) {
        const id = idOf(twin, there);
        named.set(id, (named.get(id) ?? new Map()).set(JSON.stringify(limits), limits));
      }
    }
  }
  return named;
}

/** What tells a target from others, in every process and after every reload. */
export const idOf = (route: Route, model: Model | undefined): string => `${route.name}\n${model?.upstreamModel ?? ""}`;

const keyOf = (id: string, limits: string): string => `${id}\n${limits}`;
