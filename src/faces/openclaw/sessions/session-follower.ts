import type { StoreChange } from "../../../core/ports/store-change.ts";
import type { Transcripts } from "../../../core/ports/transcripts.ts";
import type { SessionStore } from "./session-store.ts";

/** What is kept up to date. */
export interface SessionFollowerParts {
  readonly sessions: SessionStore;
  /** Called with a session that is another now, or gone. */
  readonly changed: (key: string) => void;
  /** Reports that the store could not be read. */
  readonly fault: (error: unknown) => void;
}

/**
 * Keeps the sessions in memory as other processes that share the store have written them. A transcript is read again when
 * it is next opened, a session's record at once.
 */
export class SessionFollower {
  readonly #transcripts: Transcripts;
  #parts: SessionFollowerParts | undefined;
  /** Sessions whose records are to be read, or all. */
  readonly #waiting = new Set<string>();
  #isAll = false;
  readonly #unfollow: () => void;
  #isReading = false;

  /** Listens from now on, so that nothing is missed while the sessions are loaded. */
  constructor(transcripts: Transcripts) {
    this.#transcripts = transcripts;
    this.#unfollow = transcripts.follow((change) => this.#take(change));
  }

  /** Keeps these sessions up to date, also with what it has heard before. */
  start(parts: SessionFollowerParts): void {
    this.#parts = parts;
    void this.#read(parts);
  }

  close(): void {
    this.#unfollow();
  }

  #take(change: StoreChange): void {
    const parts = this.#parts;
    if (change.kind === "messages") parts?.sessions.outdate(change.key);
    if (change.kind === "session") this.#waiting.add(change.key);
    if (change.kind === "all") {
      this.#isAll = true;
      for (const { key } of parts?.sessions.all() ?? []) parts?.sessions.outdate(key);
    }
    if (parts) void this.#read(parts);
  }

  async #read(parts: SessionFollowerParts): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isAll || this.#waiting.size > 0) await this.#readNext(parts);
    } catch (error) {
      // With the next change.
      this.#isAll = true;
      parts.fault(error);
    } finally {
      this.#isReading = false;
    }
  }

  async #readNext({ sessions, changed }: SessionFollowerParts): Promise<void> {
    if (this.#isAll) {
      this.#isAll = false;
      const stored = (await this.#transcripts.sessions()).map(({ key }) => key);
      for (const key of [...stored, ...[...sessions.all()].map((session) => session.key)]) this.#waiting.add(key);
      return;
    }
    const [key = ""] = this.#waiting;
    this.#waiting.delete(key);
    // What this process has written last may be on its way.
    await sessions.get(key)?.saving;
    const record = await this.#transcripts.session(key);
    if (sessions.get(key)?.saving !== undefined) this.#waiting.add(key);
    else if (sessions.take(key, record)) changed(key);
  }
}
