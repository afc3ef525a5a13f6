import type { Clock } from "../kernel/clock.ts";

/** Lately: as long as the event loop's delay is looked back at. */
const WINDOW_MS = 5_000;
/** Of the event loop's time. Whoever takes more of it with what it sends makes others wait. */
const HEAVY_SHARE = 1 / 20;

interface Taken {
  ms: number;
  at: number;
}

/** How much of the event loop's time callers have taken lately with what they sent; it fades exponentially. */
export class CallerLoad {
  readonly #clock: Clock;
  /** One for each caller: there are as many as there are credentials. */
  readonly #taken = new Map<string, Taken>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A caller's message took so long. */
  took(caller: string, ms: number): void {
    const now = this.#clock.now();
    const taken = this.#taken.get(caller) ?? { ms: 0, at: now };
    taken.ms = left(taken, now) + ms;
    taken.at = now;
    this.#taken.set(caller, taken);
  }

  isHeavy(caller: string): boolean {
    const taken = this.#taken.get(caller);
    return taken !== undefined && left(taken, this.#clock.now()) >= WINDOW_MS * HEAVY_SHARE;
  }

  /** Whether any caller is. Asked only while the event loop is late. */
  get anyIsHeavy(): boolean {
    return [...this.#taken.keys()].some((caller) => this.isHeavy(caller));
  }
}

const left = ({ ms, at }: Taken, now: number): number => ms * Math.exp((at - now) / WINDOW_MS);
