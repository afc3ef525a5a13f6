import { isDeepStrictEqual } from "node:util";
import type { Observer } from "../../../core/ports/observer.ts";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../../core/ports/transcripts.ts";
import { Branches } from "./branches.ts";
import { checkRoom, contentBytes, type TranscriptMemory } from "./content-bytes.ts";
import { Session, type Settings } from "./session.ts";
import { AGENT_ID } from "./session-key.ts";
import { SessionWrites } from "./session-writes.ts";

/** Where sessions are stored, and how much memory they may take. */
export interface SessionStoreParts {
  readonly transcripts: Transcripts;
  readonly observer: Observer;
  readonly newId: () => string;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Whether a session has runs, which need its transcript. */
  readonly isBusy?: (key: string) => boolean;
  /** Transcripts kept in memory; beyond it the least recently used are forgotten. */
  readonly maxLoaded?: number;
  /** Their memory; unbounded by default. */
  readonly memory?: TranscriptMemory | undefined;
}

const MAX_LOADED = 256;

/**
 * All conversations. Clients see the memory and the store follows behind, so no answer waits for a disk. A failed write
 * is reported and repeated with the next one.
 */
export class SessionStore {
  readonly #parts: SessionStoreParts;
  readonly #sessions = new Map<string, Session>();
  readonly #loads = new Map<string, Promise<void>>();
  readonly #writes: SessionWrites;
  /** Memory of all transcripts. */
  #bytes = 0;
  /** The last transcript in the queue for reading: one at a time, so that a search of many never holds all of them. */
  #reading: Promise<void> = Promise.resolve();
  #isForgetting = false;

  constructor(parts: SessionStoreParts, records: readonly SessionRecord[]) {
    this.#parts = parts;
    this.#writes = new SessionWrites(parts.transcripts, parts.observer);
    for (const record of records) this.#sessions.set(record.key, new Session(record));
  }

  /** Rejects with `store_unavailable`. */
  static async load(parts: SessionStoreParts): Promise<SessionStore> {
    return new SessionStore(parts, await parts.transcripts.sessions());
  }

  /** The session; its messages may not be in memory. */
  get(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  /** All sessions; their messages may not be in memory. */
  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** The session with its messages. Rejects with `store_unavailable`. */
  async open(key: string): Promise<Session | undefined> {
    for (;;) {
      const session = this.#sessions.get(key);
      if (!session) return undefined;
      if (session.isOutdated && this.#canBeRead(session)) this.#drop(session);
      const known = this.#loads.get(key);
      const load = known ?? this.#loadInTurn(session);
      // To the end: the first is the least recently used.
      this.#loads.delete(key);
      this.#loads.set(key, load);
      if (!known) load.catch(() => this.#loads.delete(key));
      await load;
      // Another process may have written meanwhile.
      if (session.isOutdated && this.#canBeRead(session)) continue;
      this.#forgetSoon();
      return session;
    }
  }

  async openOrCreate(key: string): Promise<Session> {
    await this.open(key);
    return this.#sessions.get(key) ?? this.create(key);
  }

  create(key: string, settings: Settings = {}): Session {
    const now = this.#parts.now();
    const record = { key, sessionId: this.#parts.newId(), agentId: AGENT_ID, createdAt: now, updatedAt: now, settings };
    const session = new Session(record);
    session.loaded = true;
    this.#sessions.set(key, session);
    this.#loads.set(key, Promise.resolve());
    this.#writes.save(session);
    return session;
  }

  /** Changes settings; null removes one. */
  update(session: Session, changes: Settings, updatedAt = this.#parts.now()): void {
    const settings = Object.entries({ ...session.record.settings, ...changes }).filter(([, value]) => value !== null);
    session.record = { ...session.record, updatedAt, settings: Object.fromEntries(settings) };
    this.#writes.save(session);
  }

  /** Changes a client's settings of a session, without making it the newest. */
  patch(session: Session, changes: Settings): void {
    this.update(session, changes, session.record.updatedAt);
  }

  /** Adds messages, each in its `place`. */
  append(session: Session, ...messages: readonly TranscriptMessage[]): void {
    this.#add(session, messages);
    this.#writes.append(session, messages, () => this.#forgetSoon());
  }

  /** Adds a question, to be stored in one with what answers it, so that a kill leaves none without an answer. */
  ask(session: Session, question: TranscriptMessage): void {
    this.#add(session, [question]);
    this.#writes.hold(session, question);
  }

  /** Stores a running answer; the complete one, of the same id, replaces it. Memory never holds it. */
  savePartial(session: Session, message: TranscriptMessage): void {
    this.#writes.savePartial(session, message, () => this.#forgetSoon());
  }

  /** Makes another branch the conversation, up to this message or before the first. Its new id invalidates old views. */
  turnTo(session: Session, leafId: string | null): void {
    const head = session.branches.turnTo(leafId);
    session.record = { ...session.record, head, sessionId: this.#parts.newId() };
    this.#writes.save(session);
  }

  /** A new, empty conversation under the same key. */
  reset(session: Session): void {
    const { head: _, ...record } = session.record;
    session.record = { ...record, sessionId: this.#parts.newId() };
    this.#hold(session, []);
    this.#writes.clear(session);
  }

  delete(session: Session): void {
    this.#remove(session);
    this.#writes.delete(session);
  }

  /** Another process has written messages of a session: what is in memory is read again when it is next opened. */
  outdate(key: string): void {
    const session = this.#sessions.get(key);
    if (session) session.isOutdated = true;
  }

  /** Takes a record as another process has stored it; undefined if it was deleted. Returns whether anything is different. */
  take(key: string, record: SessionRecord | undefined): boolean {
    const session = this.#sessions.get(key);
    // While a run is active here, what is stored is what should stand if this process were killed.
    const isRunning = session !== undefined && Object.keys(session.ifKilled).length > 0;
    if (isRunning || isDeepStrictEqual(session?.record, record)) return false;
    if (session && record) {
      if (record.sessionId !== session.record.sessionId) session.isOutdated = true;
      session.record = record;
    } else if (record) this.#sessions.set(key, new Session(record));
    else if (session) this.#remove(session);
    return true;
  }

  /** Resolves when all writes so far have succeeded or have been reported as failed. */
  flush(): Promise<void> {
    return this.#writes.flush();
  }

  /** Throws `overloaded` when there is no memory for a message of this size. */
  checkRoom(bytes: number): void {
    checkRoom(this.#bytes + bytes, this.#parts.memory);
  }

  #loadInTurn(session: Session): Promise<void> {
    const load = this.#reading.then(() => this.#load(session));
    this.#reading = load.catch(() => {});
    return load;
  }

  async #load(session: Session): Promise<void> {
    const messages = await this.#parts.transcripts.messages(session.key);
    if (this.#sessions.get(session.key) === session) this.#hold(session, messages);
    session.loaded = true;
  }

  /** Sets a session's messages in memory. */
  #hold(session: Session, messages: readonly TranscriptMessage[]): void {
    session.branches = new Branches(messages, session.record.head);
    this.#count(session, messages.reduce((sum, { content }) => sum + contentBytes(content), 0) - session.bytes);
  }

  #add(session: Session, messages: readonly TranscriptMessage[]): void {
    for (const message of messages) {
      session.branches.append(message);
      if (this.#sessions.get(session.key) === session) this.#count(session, contentBytes(message.content));
    }
  }

  #count(session: Session, bytes: number): void {
    session.bytes += bytes;
    this.#bytes += bytes;
  }

  /** One turn of the event loop later, when callers that have just opened a transcript are using it. */
  #forgetSoon(): void {
    if (this.#isForgetting || !this.#isCrowded) return;
    this.#isForgetting = true;
    setImmediate(() => {
      this.#isForgetting = false;
      this.#forget();
    });
  }

  get #isCrowded(): boolean {
    const { maxLoaded = MAX_LOADED, memory } = this.#parts;
    return this.#loads.size > maxLoaded || this.#bytes > (memory?.keptBytes ?? Number.POSITIVE_INFINITY);
  }

  /** Drops transcripts that can be read again. */
  #forget(): void {
    for (const key of this.#loads.keys()) {
      if (!this.#isCrowded) return;
      const session = this.#sessions.get(key);
      if (session && this.#canBeRead(session)) this.#drop(session);
    }
  }

  /** Whether the store holds all that is in memory of a transcript, and no run needs it there. */
  #canBeRead(session: Session): boolean {
    return session.loaded && session.unsaved.length === 0 && !this.#parts.isBusy?.(session.key);
  }

  #drop(session: Session): void {
    this.#hold(session, []);
    session.loaded = false;
    session.isOutdated = false;
    this.#loads.delete(session.key);
  }

  #remove(session: Session): void {
    this.#hold(session, []);
    this.#sessions.delete(session.key);
    this.#loads.delete(session.key);
  }
}
