/** Who judges by time that passed. */
interface Swept {
  /** The process stood still for so long: that time does not count. */
  forgive(ms: number): void;
  sweep(now: number): void;
}

/**
 * Sweeps at even times, and tells a standstill of the process (SIGSTOP, a paused machine, a blocked event loop) from time
 * that passed: a sweep that comes later than two are apart shows one. Time is an argument, in milliseconds.
 */
export class Sweeper {
  readonly #swept: readonly Swept[];
  readonly #everyMs: number;
  #sweptAt: number;

  constructor(swept: readonly Swept[], everyMs: number, now: number) {
    this.#swept = swept;
    this.#everyMs = everyMs;
    this.#sweptAt = now;
  }

  sweep(now: number): void {
    const lateMs = now - this.#sweptAt - this.#everyMs;
    this.#sweptAt = now;
    for (const swept of this.#swept) {
      if (lateMs >= this.#everyMs) swept.forgive(lateMs);
      swept.sweep(now);
    }
  }
}
