import { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonValue } from "../../core/kernel/json.ts";
import type { StoredDocument } from "../../core/ports/documents.ts";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports/transcripts.ts";

/** Sessions and transcripts in memory, lost when the process ends. */
export function createMemoryTranscripts(): Transcripts {
  return new MemoryTranscripts();
}

class MemoryTranscripts implements Transcripts {
  readonly #sessions = new Map<string, SessionRecord>();
  /** By session key, then by message id. */
  readonly #messages = new Map<string, Map<string, TranscriptMessage>>();
  /** By kind, then by key. */
  readonly #documents = new Map<string, Map<string, JsonValue>>();
  #closed = false;

  async sessions(): Promise<readonly SessionRecord[]> {
    this.#check();
    return [...this.#sessions.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  }

  async session(key: string): Promise<SessionRecord | undefined> {
    this.#check();
    return this.#sessions.get(key);
  }

  async saveSession(session: SessionRecord): Promise<void> {
    this.#check();
    this.#sessions.set(session.key, session);
  }

  async deleteSession(key: string): Promise<void> {
    this.#check();
    this.#sessions.delete(key);
    this.#messages.delete(key);
  }

  async messages(sessionKey: string): Promise<readonly TranscriptMessage[]> {
    this.#check();
    return [...(this.#messages.get(sessionKey)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  async message(sessionKey: string, id: string): Promise<TranscriptMessage | undefined> {
    this.#check();
    return this.#messages.get(sessionKey)?.get(id);
  }

  async append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void> {
    this.#check();
    const stored = this.#messages.get(sessionKey) ?? new Map<string, TranscriptMessage>();
    this.#messages.set(sessionKey, stored);
    for (const message of messages) stored.set(message.id, message);
  }

  async clear(sessionKey: string): Promise<void> {
    this.#check();
    this.#messages.delete(sessionKey);
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    this.#check();
    const stored = [...(this.#documents.get(kind) ?? [])].map(([key, value]) => ({ key, value }));
    return stored.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  async document(kind: string, key: string): Promise<JsonValue | undefined> {
    this.#check();
    return this.#documents.get(kind)?.get(key);
  }

  claim(kind: string): Promise<readonly StoredDocument[]> {
    return this.documents(kind);
  }

  async saveDocument(kind: string, key: string, value: JsonValue): Promise<void> {
    this.#check();
    const stored = this.#documents.get(kind) ?? new Map<string, JsonValue>();
    this.#documents.set(kind, stored);
    stored.set(key, value);
  }

  async deleteDocument(kind: string, key: string): Promise<void> {
    this.#check();
    this.#documents.get(kind)?.delete(key);
  }

  /** Nothing else reads or writes here. */
  async release(): Promise<void> {}

  follow(): () => void {
    return () => {};
  }

  /** Nothing waits here. */
  hurry(): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(): void {
    if (this.#closed) throw new GatewayError("store_unavailable", "the store is closed");
  }
}
