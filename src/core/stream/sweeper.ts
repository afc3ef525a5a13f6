/** Something with time limits that are checked about once a second. */
interface Swept {
  /** The process stood still for `ms`, which must not count towards any limit. */
  forgive(ms: number): void;
  sweep(now: number): void;
}

/**
 * Sweeps at regular times and detects when the process stood still (SIGSTOP, a suspended machine, a blocked event loop): a
 * sweep that comes more than two intervals after the last one. Times are in milliseconds.
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
