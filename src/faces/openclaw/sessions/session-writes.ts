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
    void this.#write(saved);
  }

  /** Keeps a message for the next write of the session's messages: they are stored together or not at all. */
  hold(session: Session, message: TranscriptMessage): void {
    session.unsaved.push(message);
    session.held = [...session.held, message];
  }

  /** Writes new messages, with those that are held. `stored` is called once they are. */
  append(session: Session, messages: readonly TranscriptMessage[], stored: () => void): void {
    session.unsaved.push(...messages);
    const batch = [...session.held, ...messages];
    this.#append(session, batch, batch, stored);
  }

  /**
   * Writes a running answer, with the messages that are held. Without any it is left out while an earlier state of an answer
   * is on its way: the next one holds more.
   */
  savePartial(session: Session, message: TranscriptMessage, stored: () => void): void {
    const { held } = session;
    if (session.isSavingPartial && held.length === 0) return;
    session.isSavingPartial = true;
    this.#append(session, [...held, message], held, () => {
      if (held.length > 0) stored();
    });
    const over = () => {
      session.isSavingPartial = false;
    };
    void session.written.then(over);
  }

  /** Deletes the session's messages, and what it has not written yet. */
  clear(session: Session): void {
    session.unsaved = [];
    session.held = [];
    void this.#write(this.#transcripts.clear(session.key));
  }

  delete(session: Session): void {
    void this.#write(this.#transcripts.deleteSession(session.key));
  }

  /** Resolves when all writes so far have succeeded or have been reported as failed. */
  async flush(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** In one call, which the store carries out whole. `ours`: what must not get lost when it cannot. */
  #append(
    session: Session,
    messages: readonly TranscriptMessage[],
    ours: readonly TranscriptMessage[],
    stored: () => void,
  ): void {
    session.held = [];
    const done = () => {
      session.unsaved = session.unsaved.filter((unsaved) => !ours.includes(unsaved));
      stored();
    };
    const failed = (error: unknown) => {
      session.held = [...ours, ...session.held];
      throw error;
    };
    session.written = this.#write(this.#transcripts.append(session.key, messages).then(done, failed));
  }

  #write(write: Promise<void>): Promise<void> {
    const done: Promise<void> = write
      .catch((error: unknown) => this.#observer.fault(error, "openclaw.transcripts"))
      .finally(() => this.#writes.delete(done));
    this.#writes.add(done);
    return done;
  }
}
