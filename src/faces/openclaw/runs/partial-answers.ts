import type { Clock } from "../../../core/kernel/clock.ts";
import { nextSeq } from "../sessions/history.ts";
import type { Session, SessionStore } from "../sessions/session-store.ts";
import type { Run } from "./run.ts";
import { endingOf, INTERRUPTED } from "./run-ending.ts";

/** How often partial answers are stored: a killed gateway loses at most this much of each, in milliseconds. */
export const PARTIAL_MS = 1_000;

/**
 * Characters stored in one pass, plus those of one answer: handing 1 MiB to the store takes the event loop some 2 ms.
 * Answers beyond it come first in the next pass.
 */
const MAX_PASS_CHARACTERS = 1_048_576;

interface Stored {
  readonly session: Session;
  /** Characters of the answer that are stored. */
  readonly length: number;
}

/**
 * Stores what there is of each running answer, as the answer it would be if the gateway were killed now: interrupted. The
 * complete answer replaces it.
 */
export class PartialAnswers {
  readonly #sessions: Pick<SessionStore, "savePartial">;
  readonly #clock: Pick<Clock, "wall">;
  /** The one stored longest ago first. */
  readonly #stored = new Map<Run, Stored>();

  constructor(sessions: Pick<SessionStore, "savePartial">, clock: Pick<Clock, "wall">) {
    this.#sessions = sessions;
    this.#clock = clock;
  }

  /** Stores the answer while it is still empty: from now on the question never stands there without an answer. */
  begin(run: Run, session: Session): void {
    this.#save(run, session);
  }

  /** The answer is complete: its beginning is not stored any more. */
  end(run: Run): void {
    const stored = this.#stored.get(run);
    if (stored) stored.session.ifKilled = {};
    this.#stored.delete(run);
  }

  /** Stores those that have grown. To be called every `PARTIAL_MS`. */
  pass(): void {
    let room = MAX_PASS_CHARACTERS;
    for (const [run, { session, length }] of this.#stored) {
      if (room <= 0) return;
      if (run.content.length === length) continue;
      room -= run.content.length;
      this.#save(run, session);
    }
  }

  #save(run: Run, session: Session): void {
    this.#stored.delete(run);
    this.#stored.set(run, { session, length: run.content.length });
    const timestamp = this.#clock.wall();
    const { message, settings } = endingOf(run, { status: "failed", error: INTERRUPTED }, timestamp);
    const answer = { id: run.answerId, seq: nextSeq(session.messages), timestamp, ...message };
    this.#sessions.savePartial(session, answer, settings);
  }
}
