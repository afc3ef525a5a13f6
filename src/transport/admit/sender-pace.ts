/** How slowly a client may send one message or body. */
export interface PaceLimits {
  /** Nothing at all may come for so long. */
  readonly silenceMs: number;
  /** So many bytes a second must come, taken over the whole message. With the largest message this bounds its time. */
  readonly bytesPerSecond: number;
}

/**
 * A handover between two radio cells takes some seconds. 8 KiB a second is a quarter of what an uplink of 256 kbit/s
 * carries: through it a picture of 25 MB comes in a quarter of an hour, and no message of 25 MiB holds its memory longer
 * than 54 minutes.
 */
export const SENDER_PACE: PaceLimits = { silenceMs: 15_000, bytesPerSecond: 8 * 1024 };

/** How fast something comes that is not complete yet. Time is an argument, in milliseconds. */
export class SenderPace {
  readonly #limits: PaceLimits;
  #since: number;
  #heardAt: number;
  #bytes = 0;

  constructor(limits: PaceLimits, now: number) {
    this.#limits = limits;
    this.#since = this.#heardAt = now;
  }

  came(bytes: number, now: number): void {
    this.#bytes += bytes;
    this.#heardAt = now;
  }

  /** Our own process stood still: what came meanwhile was not seen. */
  forgive(now: number): void {
    this.#since = this.#heardAt = now;
    this.#bytes = 0;
  }

  /** Whether it came too slowly to be waited for. */
  isTooSlow(now: number): boolean {
    const { silenceMs, bytesPerSecond } = this.#limits;
    if (now - this.#heardAt >= silenceMs) return true;
    const elapsedMs = now - this.#since;
    return elapsedMs >= silenceMs && this.#bytes * 1_000 < elapsedMs * bytesPerSecond;
  }
}
