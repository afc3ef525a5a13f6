import type { Clock } from "../kernel/clock.ts";

/** How far back usage counts: as far as the event loop's delay is measured. */
const WINDOW_MS = 5_000;
/** The share of the event loop's time above which a caller slows others down. */
const HEAVY_SHARE = 1 / 20;

interface Taken {
  ms: number;
  at: number;
}

/** How much of the event loop's time each caller's messages have taken recently. Decays exponentially. */
export class CallerLoad {
  readonly #clock: Clock;
  /** By caller. Bounded by the number of credentials. */
  readonly #taken = new Map<string, Taken>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Handling a caller's message took `ms`. */
  took(caller: string, ms: number): void {
    const now = this.#clock.now();
    const taken = this.#taken.get(caller) ?? { ms: 0, at: now };
    taken.ms = left(taken, now) + ms;
    taken.at = now;
    this.#taken.set(caller, taken);
  }

  /** Whether this caller takes more than its share. */
  isHeavy(caller: string): boolean {
    const taken = this.#taken.get(caller);
    return taken !== undefined && left(taken, this.#clock.now()) >= WINDOW_MS * HEAVY_SHARE;
  }

  /** Whether any caller is heavy. Costly: only asked while the event loop is late. */
  get anyIsHeavy(): boolean {
    return [...this.#taken.keys()].some((caller) => this.isHeavy(caller));
  }
}

const left = ({ ms, at }: Taken, now: number): number => ms * Math.exp((at - now) / WINDOW_MS);
