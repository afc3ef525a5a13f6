import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import { TokenBucket } from "./token-bucket.ts";

/** A token bucket for each caller. */
export interface OpenRateLimits {
  /** Streams one caller may open per second, and in one burst. */
  readonly opensPerSecond: number;
  readonly opensBurst: number;
}

/** Limits how fast each caller may open streams, over all its connections. */
export class OpenRate {
  readonly #limits: OpenRateLimits;
  readonly #clock: Clock;
  /** By caller. Bounded by the number of credentials. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: OpenRateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts one open. Throws `rate_limited` with the time until the next one is possible. */
  take(caller: string): void {
    const now = this.#clock.now();
    let bucket = this.#buckets.get(caller);
    if (!bucket) {
      bucket = new TokenBucket(this.#limits.opensPerSecond, this.#limits.opensBurst, now);
      this.#buckets.set(caller, bucket);
    }
    // They may have changed since its last open.
    bucket.limit(now, this.#limits.opensPerSecond, this.#limits.opensBurst);
    const retryAfterMs = bucket.take(now);
    if (retryAfterMs > 0) throw new GatewayError("rate_limited", "the caller opens streams too fast", { retryAfterMs });
  }
}
