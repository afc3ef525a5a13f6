import type { Observer, SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports.ts";
import { AGENT_ID } from "./session-key.ts";

export type Settings = SessionRecord["settings"];

/** A conversation in memory. Its messages are there once it was opened. */
export class Session {
  record: SessionRecord;
  messages: TranscriptMessage[] = [];
  /** Whether `messages` holds the whole transcript. */
  loaded = false;
  /** Not stored yet, oldest first. */
  unsaved: TranscriptMessage[] = [];

  constructor(record: SessionRecord) {
    this.record = record;
  }

  get key(): string {
    return this.record.key;
  }

  setting(name: string): string | number | boolean | undefined {
    return this.record.settings[name] ?? undefined;
  }

  /** A setting that is text. */
  text(name: string): string | undefined {
    const value = this.setting(name);
    return typeof value === "string" ? value : undefined;
  }
}

export interface SessionStoreParts {
  readonly transcripts: Transcripts;
  readonly observer: Observer;
  readonly newId: () => string;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Whether something goes on in a session, so that its transcript is needed. */
  readonly isBusy?: (key: string) => boolean;
  /** Transcripts kept in memory; of the others those that were read last are forgotten first. */
  readonly maxLoaded?: number;
}

const MAX_LOADED = 256;

/**
 * All conversations. Memory is what clients see; the embedded store follows behind, so no answer ever waits for a disk.
 * A write that failed is reported and repeated with the next one.
 */
export class SessionStore {
  readonly #parts: SessionStoreParts;
  readonly #sessions = new Map<string, Session>();
  readonly #loads = new Map<string, Promise<void>>();
  readonly #writes = new Set<Promise<void>>();

  constructor(parts: SessionStoreParts, records: readonly SessionRecord[]) {
    this.#parts = parts;
    for (const record of records) this.#sessions.set(record.key, new Session(record));
  }

  /** Rejects with `store_unavailable`. */
  static async load(parts: SessionStoreParts): Promise<SessionStore> {
    return new SessionStore(parts, await parts.transcripts.sessions());
  }

  /** The session, perhaps without its messages. */
  get(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  all(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** The session with its messages. Rejects with `store_unavailable`. */
  async open(key: string): Promise<Session | undefined> {
    const session = this.#sessions.get(key);
    if (!session) return undefined;
    const known = this.#loads.get(key);
    const load = known ?? this.#load(session);
    // Behind all others: the first is the one that was not asked for longest.
    this.#loads.delete(key);
    this.#loads.set(key, load);
    if (!known) load.catch(() => this.#loads.delete(key));
    await load;
    this.#forget(key);
    return session;
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
    this.#save(session);
    return session;
  }

  /** Changes settings; null clears one. */
  update(session: Session, changes: Settings, updatedAt = this.#parts.now()): void {
    const settings = Object.entries({ ...session.record.settings, ...changes }).filter(([, value]) => value !== null);
    session.record = { ...session.record, updatedAt, settings: Object.fromEntries(settings) };
    this.#save(session);
  }

  /** Changes what a client chose about a session: it is not newer by that. */
  patch(session: Session, changes: Settings): void {
    const { updatedAt } = session.record;
    this.update(session, changes, updatedAt);
  }

  append(session: Session, message: TranscriptMessage): void {
    session.messages.push(message);
    session.unsaved.push(message);
    const batch = [...session.unsaved];
    this.#write(
      this.#parts.transcripts.append(session.key, batch).then(() => {
        session.unsaved = session.unsaved.filter((unsaved) => !batch.includes(unsaved));
      }),
    );
  }

  /** A new, empty conversation under the same key. */
  reset(session: Session): void {
    session.messages = [];
    session.unsaved = [];
    session.record = { ...session.record, sessionId: this.#parts.newId() };
    this.#write(this.#parts.transcripts.clear(session.key));
  }

  delete(session: Session): void {
    this.#sessions.delete(session.key);
    this.#loads.delete(session.key);
    this.#write(this.#parts.transcripts.deleteSession(session.key));
  }

  /** Resolves when everything so far is stored or was reported as not storable. */
  async flush(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  async #load(session: Session): Promise<void> {
    session.messages = [...(await this.#parts.transcripts.messages(session.key))];
    session.loaded = true;
  }

  /** Lets go of transcripts that can be read again, other than the one that was just asked for. */
  #forget(current: string): void {
    const { isBusy, maxLoaded = MAX_LOADED } = this.#parts;
    for (const key of this.#loads.keys()) {
      if (this.#loads.size <= maxLoaded) return;
      const session = this.#sessions.get(key);
      if (!session?.loaded || session.unsaved.length > 0 || key === current || isBusy?.(key)) continue;
      session.messages = [];
      session.loaded = false;
      this.#loads.delete(key);
    }
  }

  #save(session: Session): void {
    this.#write(this.#parts.transcripts.saveSession(session.record));
  }

  #write(write: Promise<void>): void {
    const settled: Promise<void> = write
      .catch((error: unknown) => this.#parts.observer.fault(error, "openclaw.transcripts"))
      .finally(() => this.#writes.delete(settled));
    this.#writes.add(settled);
  }
}
