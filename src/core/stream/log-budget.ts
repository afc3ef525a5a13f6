import type { LogMemory } from "../log/log-memory.ts";

/** Shares of the budget at which new streams are refused, ended logs evicted, and unread streams cancelled. */
export const REFUSE_AT = 0.7;
/** Share of the log budget from which finished logs are dropped. */
export const EVICT_AT = 0.85;
/** Share of the log budget from which the largest unread stream is cancelled. */
export const CANCEL_AT = 0.95;

/**
 * Share of the log budget for logs that were sent to their end, to clients that do not acknowledge: with Node's default heap,
 * 35 MB, a thousand usual answers. Beyond it the oldest are dropped: what a gateway has sent must not fill its memory.
 */
export const SENT_SHARE = 0.05;

/** The memory of all logs together, in bytes. Only counts; the registry decides what to evict (`limits.totalLogBytes`). */
export class LogBudget {
  readonly maxBytes: number;
  /** Where logs keep what is not read as it comes; in the heap without one. */
  readonly memory: LogMemory | undefined;
  readonly #pressed: () => void;
  #used = 0;
  #alarmBytes: number;

  /** `pressed` is called when a log grows while more than `EVICT_AT` is used. It should free memory. */
  constructor(maxBytes: number, pressed: () => void = () => {}, memory?: LogMemory) {
    this.maxBytes = maxBytes;
    this.memory = memory;
    this.#pressed = pressed;
    this.#alarmBytes = maxBytes * EVICT_AT;
  }

  get usedBytes(): number {
    return this.#used;
  }

  isOver(share: number): boolean {
    return this.#used >= this.maxBytes * share;
  }

  grow(bytes: number): void {
    this.#used += bytes;
    if (this.#used < this.#alarmBytes) return;
    this.#pressed();
    this.#alarmBytes = this.#nextAlarm();
  }

  /** Reserves bytes for data that is not in a log yet. Returns false, reserving nothing, if they do not fit. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.maxBytes) this.#pressed();
    const fits = this.#used + bytes <= this.maxBytes;
    if (fits) this.grow(bytes);
    return fits;
  }

  shrink(bytes: number): void {
    this.#used -= bytes;
    // Never raised here: logs that shrink and grow in turns would keep pushing the alarm ahead.
    this.#alarmBytes = Math.min(this.#alarmBytes, this.#nextAlarm());
  }

  /** Under lasting pressure `pressed` is called once per hundredth of the budget, not once per event. */
  #nextAlarm(): number {
    return Math.max(this.maxBytes * EVICT_AT, this.#used + this.maxBytes / 100);
  }
}
