/** What additions of floating point may lose: whoever comes when told to is not sent away again. */
const ROUNDING = 1e-6;

/** So many a second, with bursts: pure arithmetic on a clock that is given. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes one, or `count`. Returns 0, or how many milliseconds from `now` as many are there; then it took none. */
  take(now: number, count = 1): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < count - ROUNDING) return Math.ceil(((count - this.#tokens) / this.#perSecond) * 1_000);
    this.#tokens -= count;
    return 0;
  }
}
