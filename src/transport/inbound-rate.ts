import { TokenBucket } from "../core/token-bucket.ts";

export interface InboundLimits {
  /** Messages a client may send, with bursts of five times as many. */
  readonly framesPerSecond: number;
  /** Bytes a client may send, with bursts of 16 times as many and of two of its face's largest frames at least. */
  readonly inboundBytesPerSecond: number;
}

/** Pings, and pongs nobody asked for, that a client may send a second; twice as many at once. */
const CONTROL_FRAMES_PER_SECOND = 10;

const FRAMES_BURST_S = 5;
/** So many seconds' worth of bytes may come at once: a fleet of agents that opens streams with long conversations. */
const BYTES_BURST_S = 16;

/** How much one client may send. */
export class InboundRate {
  readonly #frames: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #control: TokenBucket;

  constructor(limits: InboundLimits, maxFrameBytes: number, now: number) {
    const { framesPerSecond: frames, inboundBytesPerSecond: bytes } = limits;
    this.#frames = new TokenBucket(frames, frames * FRAMES_BURST_S, now);
    this.#bytes = new TokenBucket(bytes, Math.max(bytes * BYTES_BURST_S, maxFrameBytes * 2), now);
    this.#control = new TokenBucket(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_PER_SECOND * 2, now);
  }

  /** Whether a message of so many bytes may come now. */
  message(bytes: number, now: number): boolean {
    return this.#frames.take(now) === 0 && this.#bytes.take(now, bytes) === 0;
  }

  /** Whether a ping, or a pong that answers nothing, may. */
  controlFrame(now: number): boolean {
    return this.#control.take(now) === 0;
  }
}
