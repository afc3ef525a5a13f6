/** How slowly a client may send one message or body. */
export interface PaceLimits {
  /** Longest time without a byte. */
  readonly silenceMs: number;
  /** Lowest average rate over the message. With the largest message it bounds the total time. */
  readonly bytesPerSecond: number;
}

/**
 * A handover between radio cells takes seconds. 8 KiB/s is a quarter of a 256 kbit/s uplink, which carries a picture of
 * 25 MB in a quarter of an hour; no message of 25 MiB holds its memory longer than 54 minutes.
 */
export const SENDER_PACE: PaceLimits = { silenceMs: 15_000, bytesPerSecond: 8 * 1024 };

/** Measures how fast an unfinished message arrives. Times are arguments, in milliseconds. */
export class SenderPace {
  readonly #limits: PaceLimits;
  #since: number;
  #heardAt: number;
  #bytes = 0;

  constructor(limits: PaceLimits, now: number) {
    this.#limits = limits;
    this.#since = this.#heardAt = now;
  }

  /** Bytes of the message arrived. */
  came(bytes: number, now: number): void {
    this.#bytes += bytes;
    this.#heardAt = now;
  }

  /** Starts over after the process was suspended, when it could not read. */
  forgive(now: number): void {
    this.#since = this.#heardAt = now;
    this.#bytes = 0;
  }

  /** Whether the message is too slow to wait for. */
  isTooSlow(now: number): boolean {
    const { silenceMs, bytesPerSecond } = this.#limits;
    if (now - this.#heardAt >= silenceMs) return true;
    const elapsedMs = now - this.#since;
    return elapsedMs >= silenceMs && this.#bytes * 1_000 < elapsedMs * bytesPerSecond;
  }
}
