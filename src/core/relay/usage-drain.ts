import type { UpstreamCall } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";

/** How far a cancelled response is drained: time in milliseconds, and bytes of event data. */
export interface DrainLimits {
  readonly ms: number;
  readonly bytes: number;
}

/** A cancelled call that is read for its usage, its limits, and who hears of its end. */
export interface UsageDrainParts {
  readonly call: UpstreamCall;
  readonly answer: AnswerState;
  readonly meter: Reservation["meter"];
  readonly limits: DrainLimits;
  /** Clock reading when the stream was cancelled. */
  readonly since: number;
  /** Called once, when nothing more can be learned. */
  readonly over: () => void;
}

/** Keeps reading a cancelled response to learn its usage, up to its end or a limit. No client sees it. */
export class UsageDrain {
  readonly #parts: UsageDrainParts;
  #since: number;
  #bytes = 0;
  #over = false;

  constructor(parts: UsageDrainParts) {
    this.#parts = parts;
    this.#since = parts.since;
  }

  /** Counts one more event of the response. */
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

  /** The response ended or failed. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.over();
  }

  /** Checks the time limit. Called about once a second. */
  look(now: number): void {
    if (now - this.#since >= this.#parts.limits.ms) this.stop();
  }

  /** The process stood still for `ms`, which does not count. */
  forgive(ms: number): void {
    this.#since += ms;
  }

  /** Stops draining now. */
  stop(): void {
    if (this.#over) return;
    this.#parts.call.abort();
    this.end();
  }
}
