import type { Clock } from "../../core/kernel/clock.ts";

/** A clock that follows the clock of Redis. */
export interface SharedClock extends Clock {
  /** Redis has just answered that this is its time. */
  heard(wallMs: number): void;
}

/**
 * This machine's clocks, the wall clock set to that of Redis, so that windows are the same on all nodes: their own clocks may
 * differ by minutes, and a window that begins again and again is none.
 */
export class RedisClock implements SharedClock {
  readonly now: () => number;
  readonly #clock: Clock;
  #aheadMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = () => clock.now();
  }

  wall(): number {
    return this.#clock.wall() + this.#aheadMs;
  }

  heard(wallMs: number): void {
    this.#aheadMs = wallMs - this.#clock.wall();
  }
}
