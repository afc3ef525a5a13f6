import type { Observer } from "../../../core/ports/observer.ts";
import type { TranscriptMessage, Transcripts } from "../../../core/ports/transcripts.ts";
import type { Session } from "./session.ts";

/** What is on its way from the memory to the store. A failed write is reported; messages are written again with the next. */
export class SessionWrites {
  readonly #transcripts: Transcripts;
  readonly #observer: Observer;
  readonly #writes = new Set<Promise<void>>();

  constructor(transcripts: Transcripts, observer: Observer) {
    this.#transcripts = transcripts;
    this.#observer = observer;
  }

  /** Writes the session's record. */
  save(session: Session): void {
    const settings = { ...session.record.settings, ...session.ifKilled };
    const saved = this.#transcripts.saveSession({ ...session.record, settings });
    const over = () => {
      if (session.saving === saving) session.saving = undefined;
    };
    const saving: Promise<void> = saved.then(over, over);
    session.saving = saving;
    this.#write(saved);
  }

  /** Writes new messages, with those that failed before. `stored` is called once they are. */
  append(session: Session, messages: readonly TranscriptMessage[], stored: () => void): void {
    session.unsaved.push(...messages);
    const batch = [...session.refused, ...messages];
    session.refused = [];
    const done = () => {
      session.unsaved = session.unsaved.filter((unsaved) => !batch.includes(unsaved));
      stored();
    };
    const failed = (error: unknown) => {
      session.refused = [...batch, ...session.refused];
      throw error;
    };
    this.#write(this.#transcripts.append(session.key, batch).then(done, failed));
  }

  /** Writes a running answer, unless an earlier state of it is still on its way: the next one holds more. */
  savePartial(session: Session, message: TranscriptMessage): void {
    if (session.isSavingPartial) return;
    session.isSavingPartial = true;
    const over = () => {
      session.isSavingPartial = false;
    };
    this.#write(this.#transcripts.append(session.key, [message]).finally(over));
  }

  /** Deletes the session's messages, and what it has not written yet. */
  clear(session: Session): void {
    session.unsaved = [];
    session.refused = [];
    this.#write(this.#transcripts.clear(session.key));
  }

  delete(session: Session): void {
    this.#write(this.#transcripts.deleteSession(session.key));
  }

  /** Resolves when all writes so far have succeeded or have been reported as failed. */
  async flush(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  #write(write: Promise<void>): void {
    const done: Promise<void> = write
      .catch((error: unknown) => this.#observer.fault(error, "openclaw.transcripts"))
      .finally(() => this.#writes.delete(done));
    this.#writes.add(done);
  }
}
