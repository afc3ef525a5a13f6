import type { Clock } from "../../../core/kernel/clock.ts";
import type { Session } from "../sessions/session.ts";
import type { SessionStore } from "../sessions/session-store.ts";
import type { Run } from "./run.ts";
import { endingOf, INTERRUPTED, type RunEnding } from "./run-ending.ts";

/** A killed gateway loses at most this much of an answer, in milliseconds, while no more than 256 answers grow. */
export const PARTIAL_MS = 1_000;

/** Passes in that time. An answer is due after half of it: the rest is for the wait until the next pass, and the commit. */
const PASSES = 4;

/**
 * Stored in one pass, at most: handing one answer to the store takes the event loop some 30 µs, and 1 MiB of them 3 ms. The
 * others come first in the next pass.
 */
const MAX_PASS_ANSWERS = 64;
const MAX_PASS_CHARACTERS = 524_288;

interface Stored {
  readonly session: Session;
  /** Characters of the answer that are stored. */
  readonly length: number;
  /** When they were stored: monotonic time in milliseconds. */
  readonly at: number;
}

/**
 * Stores what there is of each running answer, as the answer it would be if the gateway were killed now: interrupted. The
 * complete answer replaces it.
 */
export class PartialAnswers {
  readonly #sessions: Pick<SessionStore, "savePartial">;
  readonly #clock: Clock;
  readonly #everyMs: number;
  /** The one stored longest ago first. */
  readonly #stored = new Map<Run, Stored>();
  readonly #timer: NodeJS.Timeout;

  /** Stores each running answer at least every `everyMs` milliseconds, as far as it has grown. */
  constructor(sessions: Pick<SessionStore, "savePartial">, clock: Clock, everyMs: number) {
    this.#sessions = sessions;
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#timer = setInterval(() => this.pass(), everyMs / PASSES).unref();
  }

  /**
   * Stores the empty answer, in one with its question, so that no question is left without an answer. The session's next
   * change is stored with what stands if the gateway is killed.
   */
  begin(run: Run, session: Session): void {
    session.ifKilled = this.#interrupted(run).settings;
    this.#save(run, session);
  }

  /** The answer is complete: its beginning is not stored any more. */
  end(run: Run): void {
    const stored = this.#stored.get(run);
    if (stored) stored.session.ifKilled = {};
    this.#stored.delete(run);
  }

  /** Stores the answers that have grown since they were stored, if that is half of the time ago. */
  pass(): void {
    let answers = MAX_PASS_ANSWERS;
    let characters = MAX_PASS_CHARACTERS;
    const due = this.#clock.now() - this.#everyMs / 2;
    for (const [run, { session, length, at }] of this.#stored) {
      if (at > due || answers <= 0 || characters <= 0) return;
      if (run.content.length === length) continue;
      answers -= 1;
      characters -= run.content.length;
      this.#save(run, session);
    }
  }

  /** Stops storing. */
  close(): void {
    clearInterval(this.#timer);
  }

  #save(run: Run, session: Session): void {
    this.#stored.delete(run);
    this.#stored.set(run, { session, length: run.content.length, at: this.#clock.now() });
    const { message, timestamp } = this.#interrupted(run);
    this.#sessions.savePartial(session, { id: run.answerId, ...session.branches.place, timestamp, ...message });
  }

  #interrupted(run: Run): RunEnding & { readonly timestamp: number } {
    const timestamp = this.#clock.wall();
    return { ...endingOf(run, { status: "failed", error: INTERRUPTED }, timestamp), timestamp };
  }
}
