import type { UpstreamCall } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";

/** How far a cancelled answer is read on for its usage. */
export interface DrainLimits {
  readonly ms: number;
  readonly bytes: number;
}

export interface UsageDrainParts {
  readonly call: UpstreamCall;
  readonly answer: AnswerState;
  readonly meter: Reservation["meter"];
  readonly limits: DrainLimits;
  /** Clock reading at the cancel. */
  readonly since: number;
  /** Told once that no more will be known. */
  readonly over: () => void;
}

/** Reads an answer on that its client wants no more, up to the provider's usage or a limit. Nobody sees it. */
export class UsageDrain {
  readonly #parts: UsageDrainParts;
  #since: number;
  #bytes = 0;
  #over = false;

  constructor(parts: UsageDrainParts) {
    this.#parts = parts;
    this.#since = parts.since;
  }

  event(name: string | undefined, data: string, bytes: number): void {
    if (this.#over) return;
    const { answer, call, limits, meter } = this.#parts;
    const delta = answer.read(name, data, bytes);
    this.#bytes += bytes;
    if (delta.error || delta.complete === "now") {
      call.detach();
      this.end();
      return;
    }
    if (delta.complete) call.awaitEnd(answer.isWhole);
    if (meter?.(answer.counts, answer.characters) || this.#bytes > limits.bytes) this.stop();
  }

  /** The answer ended, or broke. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.over();
  }

  /** Looks at the time, about once a second. */
  look(now: number): void {
    if (now - this.#since >= this.#parts.limits.ms) this.stop();
  }

  /** The process stood still for so long. */
  forgive(ms: number): void {
    this.#since += ms;
  }

  stop(): void {
    if (this.#over) return;
    this.#parts.call.abort();
    this.end();
  }
}
