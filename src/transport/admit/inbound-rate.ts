import { TokenBucket } from "../../core/caller/token-bucket.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Limits on bytes. */
export interface ByteLimits {
  /** Bytes a client may send, with bursts of 16 times as many, at least two of its face's largest frames. */
  readonly inboundBytesPerSecond: number;
}

/** Limits on what one WebSocket may send. */
export interface InboundLimits extends ByteLimits {
  /** Messages per second, with bursts of five times as many. */
  readonly framesPerSecond: number;
  /** Invalid messages within any minute. */
  readonly violationsPerMinute: number;
}

/** Pings and unsolicited pongs a client may send per second, with bursts of twice as many. */
const CONTROL_FRAMES_PER_SECOND = 10;

const FRAMES_BURST_S = 5;
/** Seconds' worth of bytes in a burst: a fleet of agents may open streams with long conversations at once. */
const BYTES_BURST_S = 16;
/** Allows for frame heads. */
const WITH_HEADS = 1 + 1 / 64;

function byteBucket({ inboundBytesPerSecond: bytes }: ByteLimits, largestBytes: number, now: number): TokenBucket {
  return new TokenBucket(bytes, Math.max(bytes * BYTES_BURST_S, largestBytes * 2) * WITH_HEADS, now);
}

/**
 * A caller's rate for HTTP bodies, in multiples of one socket's: a caller may be a team of agents, on one machine or with
 * a shared token. 20 agents that send 3 MB each within four seconds need 15 MiB/s; reading that takes 150 ms.
 */
const SOCKETS_WORTH = 4;

/** Limits the bytes each caller sends over HTTP, on all its connections together. */
export class BodyRates {
  readonly #limits: ByteLimits;
  readonly #clock: Clock;
  /** By caller: as many as there are credentials. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: ByteLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts bytes of a body limited to `maxBytes`. Throws `rate_limited` with the time until they fit. */
  take(caller: string, bytes: number, maxBytes: number): void {
    const now = this.#clock.now();
    const ofAll = { inboundBytesPerSecond: this.#limits.inboundBytesPerSecond * SOCKETS_WORTH };
    const bucket = this.#buckets.get(caller) ?? byteBucket(ofAll, maxBytes, now);
    this.#buckets.set(caller, bucket);
    const retryAfterMs = bucket.take(now, bytes);
    if (retryAfterMs === 0) return;
    const setting = "limits.requests.inboundBytesPerSecond";
    throw new GatewayError("rate_limited", "too many bytes at once", { retryAfterMs, setting });
  }
}

/** Limits what a client sends on one WebSocket. Times are in milliseconds. */
export class InboundRate {
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #control: TokenBucket;
  readonly #violationsPerMinute: number;
  #violations: number[] = [];

  constructor(limits: InboundLimits, maxFrameBytes: number, now: number) {
    const { framesPerSecond: frames } = limits;
    this.#frames = new TokenBucket(frames, frames * FRAMES_BURST_S, now);
    this.#bytes = byteBucket(limits, maxFrameBytes, now);
    this.#violationsPerMinute = limits.violationsPerMinute;
    this.#control = new TokenBucket(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_PER_SECOND * 2, now);
  }

  /** Counts bytes of any kind, and says whether they are within the limit. */
  bytes(count: number, now: number): boolean {
    return this.#bytes.take(now, count) === 0;
  }

  /** Counts a message, and says whether it is within the limit. */
  message(now: number): boolean {
    return this.#frames.take(now) === 0;
  }

  /** Counts an invalid message, and says whether it is within the limit. */
  violation(now: number): boolean {
    this.#violations = this.#violations.filter((at) => now - at < 60_000);
    this.#violations.push(now);
    return this.#violations.length <= this.#violationsPerMinute;
  }

  /** Counts a ping or unsolicited pong, and says whether it is within the limit. */
  controlFrame(now: number): boolean {
    return this.#control.take(now) === 0;
  }
}
