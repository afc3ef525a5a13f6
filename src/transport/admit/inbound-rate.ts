import { TokenBucket } from "../../core/caller/token-bucket.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

export interface ByteLimits {
  /** Bytes a client may send, with bursts of 16 times as many and of two of its face's largest frames at least. */
  readonly inboundBytesPerSecond: number;
}

export interface InboundLimits extends ByteLimits {
  /** Messages a client may send, with bursts of five times as many. */
  readonly framesPerSecond: number;
  /** Invalid ones it may send in any minute. */
  readonly violationsPerMinute: number;
}

/** Pings, and pongs nobody asked for, that a client may send a second; twice as many at once. */
const CONTROL_FRAMES_PER_SECOND = 10;

const FRAMES_BURST_S = 5;
/** So many seconds' worth of bytes may come at once: a fleet of agents that opens streams with long conversations. */
const BYTES_BURST_S = 16;
/** Frames have heads. */
const WITH_HEADS = 1 + 1 / 64;

function byteBucket({ inboundBytesPerSecond: bytes }: ByteLimits, largestBytes: number, now: number): TokenBucket {
  return new TokenBucket(bytes, Math.max(bytes * BYTES_BURST_S, largestBytes * 2) * WITH_HEADS, now);
}

/**
 * So many times as much as one socket's may a caller's bodies have: a caller is a whole team of agents, all of one machine or
 * of a shared token. 20 agents that send 3 MB each within four seconds need 15 MiB a second; reading that takes 150 ms.
 */
const SOCKETS_WORTH = 4;

/** How many bytes each caller may send over HTTP, on all its connections together. */
export class BodyRates {
  readonly #limits: ByteLimits;
  readonly #clock: Clock;
  /** One for each caller: there are as many as there are credentials. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: ByteLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts bytes of a body that may have `maxBytes`. Throws `rate_limited` with the time until so many may come. */
  take(caller: string, bytes: number, maxBytes: number): void {
    const now = this.#clock.now();
    const ofAll = { inboundBytesPerSecond: this.#limits.inboundBytesPerSecond * SOCKETS_WORTH };
    const bucket = this.#buckets.get(caller) ?? byteBucket(ofAll, maxBytes, now);
    this.#buckets.set(caller, bucket);
    const retryAfterMs = bucket.take(now, bytes);
    if (retryAfterMs > 0) throw new GatewayError("rate_limited", "too many bytes at once", { retryAfterMs });
  }
}

/** How much one client may send on one WebSocket. */
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

  /** Whether so many bytes may come now, of whatever they are. */
  bytes(count: number, now: number): boolean {
    return this.#bytes.take(now, count) === 0;
  }

  /** Whether a message may. */
  message(now: number): boolean {
    return this.#frames.take(now) === 0;
  }

  /** Counts an invalid message, and says whether there may be more. */
  violation(now: number): boolean {
    this.#violations = this.#violations.filter((at) => now - at < 60_000);
    this.#violations.push(now);
    return this.#violations.length <= this.#violationsPerMinute;
  }

  /** Whether a ping, or a pong that answers nothing, may. */
  controlFrame(now: number): boolean {
    return this.#control.take(now) === 0;
  }
}
