import type { Timing } from "../../../protocol/stream.ts";

/** A stream's times, in milliseconds since its request arrived. */
export class Stopwatch {
  readonly #now: () => number;
  readonly #startedAt: number;
  #firstByteMs: number | undefined;
  #firstContentMs: number | undefined;

  constructor(startedAt: number, now: () => number) {
    this.#startedAt = startedAt;
    this.#now = now;
  }

  /** The first byte of the response arrived. Only the first call counts. */
  byte(): void {
    this.#firstByteMs ??= this.#sinceStart();
  }

  /** Whether a byte of the response has arrived. */
  get hasByte(): boolean {
    return this.#firstByteMs !== undefined;
  }

  /** Content arrived. Only the first call counts. */
  content(): void {
    this.#firstContentMs ??= this.#sinceStart();
  }

  /** All times until now. `firstSentMs`: when content was first written to a client. */
  timing(firstSentMs: number | undefined): Timing {
    return {
      ...(this.#firstByteMs !== undefined && { firstByteMs: this.#firstByteMs }),
      ...(this.#firstContentMs !== undefined && { firstContentMs: this.#firstContentMs }),
      ...(firstSentMs !== undefined && { firstSentMs }),
      totalMs: this.#sinceStart(),
    };
  }

  #sinceStart(): number {
    return this.#now() - this.#startedAt;
  }
}
