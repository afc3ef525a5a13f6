/** Share of the budget at which new streams are refused, finished logs are given up, and parked streams cancelled. */
export const REFUSE_AT = 0.7;
export const EVICT_AT = 0.85;
export const CANCEL_AT = 0.95;

/** What all logs together may hold, in bytes (G of the design). Counting only: what to do about it is the registry's. */
export class LogBudget {
  readonly maxBytes: number;
  readonly #pressed: () => void;
  #used = 0;
  #alarmBytes: number;

  /** `pressed` is called when a log grows while more than `EVICT_AT` is used, and may give memory back. */
  constructor(maxBytes: number, pressed: () => void = () => {}) {
    this.maxBytes = maxBytes;
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

  /** Takes bytes for what is not in a log yet. False, and nothing is taken, when they do not fit. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.maxBytes) this.#pressed();
    const fits = this.#used + bytes <= this.maxBytes;
    if (fits) this.grow(bytes);
    return fits;
  }

  shrink(bytes: number): void {
    this.#used -= bytes;
    // Never moved up here: logs that shrink and grow by turns would push the alarm ahead of themselves.
    this.#alarmBytes = Math.min(this.#alarmBytes, this.#nextAlarm());
  }

  /** Under lasting pressure whoever relieves it is asked once per hundredth, not once per event. */
  #nextAlarm(): number {
    return Math.max(this.maxBytes * EVICT_AT, this.#used + this.maxBytes / 100);
  }
}
