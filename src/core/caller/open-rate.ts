import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface OpenRateLimits {
  /** Streams one caller may open a second, and at once. */
  readonly opensPerSecond: number;
  readonly opensBurst: number;
}

/** How fast each caller may open streams, on all its connections together. */
export class OpenRate {
  readonly #limits: OpenRateLimits;
  readonly #clock: Clock;
  /** One for each caller: there are as many as there are credentials. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: OpenRateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts one open. Throws `rate_limited` with the time until the next one is free. */
  take(caller: string): void {
    const now = this.#clock.now();
    let bucket = this.#buckets.get(caller);
    if (!bucket) {
      bucket = new TokenBucket(this.#limits.opensPerSecond, this.#limits.opensBurst, now);
      this.#buckets.set(caller, bucket);
    }
    const retryAfterMs = bucket.take(now);
    if (retryAfterMs > 0) throw new GatewayError("rate_limited", "too many streams opened at once", { retryAfterMs });
  }
}
