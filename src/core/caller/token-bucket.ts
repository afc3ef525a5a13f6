/** The tolerance for floating-point sums: a client that returns after the stated wait must not be refused again. */
const ROUNDING = 1e-6;

/** A rate limit with bursts. Clock readings, in milliseconds, are arguments. */
export class TokenBucket {
  #perSecond: number;
  #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Another rate and burst from now on. What was taken and has not come back is taken from the new burst, too. */
  limit(now: number, perSecond: number, burst: number): void {
    if (perSecond === this.#perSecond && burst === this.#burst) return;
    this.waitMs(now, 0);
    this.#tokens = Math.max(0, burst - (this.#burst - this.#tokens));
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes `count` tokens and returns 0; or takes none and returns the milliseconds until there are enough. */
  take(now: number, count = 1): number {
    const waitMs = this.waitMs(now, count);
    if (waitMs === 0) this.#tokens -= count;
    return waitMs;
  }

  /** The milliseconds until there are `count` tokens; 0 if there are now. */
  waitMs(now: number, count: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens >= count - ROUNDING) return 0;
    return Math.ceil(((count - this.#tokens) / this.#perSecond) * 1_000);
  }
}
