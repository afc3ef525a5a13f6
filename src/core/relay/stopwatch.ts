import type { Timing } from "../../../protocol/stream.ts";

/** A stream's times, in milliseconds since its request came in. */
export class Stopwatch {
  readonly #now: () => number;
  readonly #startedAt: number;
  #firstByteMs: number | undefined;
  #firstContentMs: number | undefined;

  constructor(startedAt: number, now: () => number) {
    this.#startedAt = startedAt;
    this.#now = now;
  }

  /** The upstream's answer began. */
  byte(): void {
    this.#firstByteMs ??= this.#sinceStart();
  }

  /** Something came that a reader would see. */
  content(): void {
    this.#firstContentMs ??= this.#sinceStart();
  }

  /** All of it; `firstSentMs` is when a client was first sent content. */
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
