import { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonValue } from "../../core/kernel/json.ts";
import type { StoredDocument } from "../../core/ports/documents.ts";
import type { StoreChange } from "../../core/ports/store-change.ts";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports/transcripts.ts";

/** A write that waits until it is known who leads. */
interface Waiting {
  readonly write: () => Promise<void>;
  readonly resolve: (written: Promise<void>) => void;
}

/**
 * What a node writes of conversations while it leads. From the moment when another may have taken the lead it only completes
 * the answers whose beginnings it has stored; all else waits until the lead is known to be this node's (`goOn`), or
 * another's, which has read the store and goes on from there (`end`).
 */
export class LeaderTranscripts implements Transcripts {
  readonly #store: Transcripts;
  readonly #holds: () => boolean;
  #waiting: Waiting[] = [];
  /** Messages in the order in which they were added, once they cannot all be written at once. */
  #adding: Promise<unknown> | undefined;
  /** Whether the lead is held in this turn, once that was asked. */
  #held: boolean | undefined;
  #isOver = false;
  #isFree = false;

  constructor(store: Transcripts, isHeld: () => boolean) {
    this.#store = store;
    this.#holds = isHeld;
  }

  /** The lead is this node's: what waits is written. */
  goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { write, resolve } of waiting) resolve(write());
  }

  /** Whoever leads, all is written from now on. */
  free(): void {
    this.#isFree = true;
    this.goOn();
  }

  /** The lead is another's: what waits is refused. */
  end(): void {
    this.#isOver = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve(Promise.reject(anotherLeads()));
  }

  sessions(): Promise<readonly SessionRecord[]> {
    return this.#store.sessions();
  }

  messages(sessionKey: string): Promise<readonly TranscriptMessage[]> {
    return this.#store.messages(sessionKey);
  }

  message(sessionKey: string, id: string): Promise<TranscriptMessage | undefined> {
    return this.#store.message(sessionKey, id);
  }

  session(key: string): Promise<SessionRecord | undefined> {
    return this.#store.session(key);
  }

  documents(kind: string): Promise<readonly StoredDocument[]> {
    return this.#store.documents(kind);
  }

  document(kind: string, key: string): Promise<JsonValue | undefined> {
    return this.#store.document(kind, key);
  }

  claim(kind: string, which: "all" | "left"): Promise<readonly StoredDocument[]> {
    return this.#store.claim(kind, which);
  }

  /** Its own alone: what another has taken stays that one's. */
  release(kind: string): Promise<void> {
    return this.#store.release(kind);
  }

  follow(changed: (change: StoreChange) => void): () => void {
    return this.#store.follow(changed);
  }

  hurry(): () => void {
    return this.#store.hurry();
  }

  saveSession(session: SessionRecord): Promise<void> {
    return this.#write(() => this.#store.saveSession(session));
  }

  deleteSession(key: string): Promise<void> {
    return this.#write(() => this.#store.deleteSession(key));
  }

  clear(sessionKey: string): Promise<void> {
    return this.#write(() => this.#store.clear(sessionKey));
  }

  saveDocument(kind: string, key: string, value: JsonValue): Promise<void> {
    return this.#write(() => this.#store.saveDocument(kind, key, value));
  }

  deleteDocument(kind: string, key: string): Promise<void> {
    return this.#write(() => this.#store.deleteDocument(kind, key));
  }

  append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void> {
    if (this.#isHeld && !this.#adding) return this.#store.append(sessionKey, messages);
    const before = this.#adding ?? Promise.resolve();
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const added = before.then(() => this.#add(sessionKey, messages, resolve)).finally(resolve);
    this.#adding = settled;
    void settled.then(() => {
      if (this.#adding === settled) this.#adding = undefined;
    });
    return added;
  }

  /** The store is others', too. */
  async close(): Promise<void> {}

  /** Calls `next` when a later message cannot overtake these any more. */
  async #add(sessionKey: string, messages: readonly TranscriptMessage[], next: () => void): Promise<void> {
    const begun: TranscriptMessage[] = [];
    if (!this.#isHeld) {
      for (const message of messages) {
        if ((await this.#store.message(sessionKey, message.id)) !== undefined) begun.push(message);
      }
    }
    const rest = messages.filter((message) => !begun.includes(message));
    const added = [
      ...(begun.length > 0 ? [this.#store.append(sessionKey, begun)] : []),
      ...(rest.length > 0 ? [this.#write(() => this.#store.append(sessionKey, rest))] : []),
    ];
    next();
    await Promise.all(added);
  }

  /** One answer for all that is written in one turn: a question is not stored without the beginning of its answer. */
  get #isHeld(): boolean {
    if (this.#isOver || this.#isFree) return !this.#isOver;
    if (this.#held === undefined) {
      this.#held = this.#holds();
      queueMicrotask(() => {
        this.#held = undefined;
      });
    }
    return this.#held;
  }

  #write(write: () => Promise<void>): Promise<void> {
    if (this.#isOver) return Promise.reject(anotherLeads());
    if (this.#isHeld) return write();
    return new Promise((resolve) => this.#waiting.push({ write, resolve }));
  }
}

const anotherLeads = () =>
  new GatewayError("cluster_unavailable", "another node serves conversations now: this was not stored");
