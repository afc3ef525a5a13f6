import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { JsonValue } from "../../core/kernel/json.ts";
import type { StoredDocument } from "../../core/ports/documents.ts";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports/transcripts.ts";
import { TRANSCRIPT_STEPS } from "../sqlite/migrations.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import type { Call, Outcome } from "../sqlite/service.ts";
import { inTransaction } from "../sqlite/transaction.ts";
import { LEAD_KIND, type Write } from "./lead.ts";

/** The file of sessions and transcripts in the data directory. */
export const DATABASE_FILE = "sluice.db";

/** The port's calls without promises. */
type PortOperations = {
  [Name in keyof Omit<Transcripts, "close" | "claim" | "release" | "follow" | "hurry" | "lead">]: (
    ...args: Parameters<Transcripts[Name]>
  ) => Awaited<ReturnType<Transcripts[Name]>>;
};

/** A call that only the lead may make. */
export type WriteCall = Call<Pick<PortOperations, Write>>;

/** What the worker thread is asked. */
export interface TranscriptOperations extends PortOperations {
  /** As a `LeadRecord`'s. */
  lead(): string | undefined;
  succeed(before: string | undefined, next: string): boolean;
  /**
   * Writes if this lead counts. Otherwise only the rest of answers is written whose beginnings are stored. False if that was not
   * all.
   */
  writeAs(lead: string, call: WriteCall): boolean;
}

/** Sessions and transcripts in SQLite. Blocking: a durable commit takes milliseconds, so a worker thread runs it. */
export class SqliteDatabase implements TranscriptOperations {
  readonly #database: DatabaseSync;
  readonly #listSessions: StatementSync;
  readonly #getSession: StatementSync;
  readonly #saveSession: StatementSync;
  readonly #deleteSession: StatementSync;
  readonly #listMessages: StatementSync;
  readonly #getMessage: StatementSync;
  readonly #addMessage: StatementSync;
  readonly #completeMessage: StatementSync;
  readonly #deleteMessages: StatementSync;
  readonly #listDocuments: StatementSync;
  readonly #getDocument: StatementSync;
  readonly #saveDocument: StatementSync;
  readonly #deleteDocument: StatementSync;

  /** Opens or creates the database. Throws when it cannot be used. */
  constructor(directory: string) {
    const database = openDatabase(directory, DATABASE_FILE, TRANSCRIPT_STEPS);
    this.#database = database;
    this.#listSessions = database.prepare("SELECT record FROM sessions ORDER BY updated_at DESC");
    this.#getSession = database.prepare("SELECT record FROM sessions WHERE key = ?");
    this.#saveSession = database.prepare(
      `INSERT INTO sessions (key, updated_at, record) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at, record = excluded.record`,
    );
    this.#deleteSession = database.prepare("DELETE FROM sessions WHERE key = ?");
    this.#listMessages = database.prepare("SELECT record FROM messages WHERE session_key = ? ORDER BY seq");
    this.#getMessage = database.prepare("SELECT record FROM messages WHERE session_key = ? AND id = ?");
    this.#addMessage = database.prepare(
      `INSERT INTO messages (session_key, id, seq, record) VALUES (?, ?, ?, ?)
       ON CONFLICT (session_key, id) DO UPDATE SET seq = excluded.seq, record = excluded.record`,
    );
    this.#completeMessage = database.prepare("UPDATE messages SET record = ? WHERE session_key = ? AND id = ?");
    this.#deleteMessages = database.prepare("DELETE FROM messages WHERE session_key = ?");
    this.#listDocuments = database.prepare("SELECT key, value FROM documents WHERE kind = ? ORDER BY key");
    this.#getDocument = database.prepare("SELECT value FROM documents WHERE kind = ? AND key = ?");
    this.#saveDocument = database.prepare(
      `INSERT INTO documents (kind, key, value) VALUES (?, ?, ?)
       ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`,
    );
    this.#deleteDocument = database.prepare("DELETE FROM documents WHERE kind = ? AND key = ?");
  }

  /**
   * Runs the calls in order and commits them together, so that they share one wait for the disk. If one fails, all are
   * rolled back and repeated one by one, so that only the faulty ones fail. Never throws.
   */
  batch(calls: readonly Call<TranscriptOperations>[]): readonly Outcome[] {
    try {
      return inTransaction(this.#database, () => calls.map((call) => ({ value: this.#run(call) })));
    } catch (failure) {
      return calls.length > 1 ? calls.flatMap((call) => this.batch([call])) : [{ failure }];
    }
  }

  sessions(): readonly SessionRecord[] {
    return this.#listSessions.all().map(({ record }) => JSON.parse(String(record)));
  }

  session(key: string): SessionRecord | undefined {
    const row = this.#getSession.get(key);
    return row && JSON.parse(String(row.record));
  }

  saveSession(session: SessionRecord): void {
    this.#saveSession.run(session.key, session.updatedAt, JSON.stringify(session));
  }

  deleteSession(key: string): void {
    this.#deleteSession.run(key);
    this.#deleteMessages.run(key);
  }

  messages(sessionKey: string): readonly TranscriptMessage[] {
    return this.#listMessages.all(sessionKey).map(({ record }) => JSON.parse(String(record)));
  }

  message(sessionKey: string, id: string): TranscriptMessage | undefined {
    const row = this.#getMessage.get(sessionKey, id);
    return row && JSON.parse(String(row.record));
  }

  append(sessionKey: string, messages: readonly TranscriptMessage[]): void {
    for (const message of messages) {
      this.#addMessage.run(sessionKey, message.id, message.seq, JSON.stringify(message));
    }
  }

  clear(sessionKey: string): void {
    this.#deleteMessages.run(sessionKey);
  }

  documents(kind: string): readonly StoredDocument[] {
    return this.#listDocuments.all(kind).map(({ key, value }) => ({
      key: String(key),
      value: JSON.parse(String(value)),
    }));
  }

  document(kind: string, key: string): JsonValue | undefined {
    const row = this.#getDocument.get(kind, key);
    return row && JSON.parse(String(row.value));
  }

  saveDocument(kind: string, key: string, value: JsonValue): void {
    this.#saveDocument.run(kind, key, JSON.stringify(value));
  }

  deleteDocument(kind: string, key: string): void {
    this.#deleteDocument.run(kind, key);
  }

  lead(): string | undefined {
    return this.document(LEAD_KIND, "") as string | undefined;
  }

  succeed(before: string | undefined, next: string): boolean {
    if (this.lead() !== before) return false;
    this.saveDocument(LEAD_KIND, "", next);
    return true;
  }

  writeAs(lead: string, call: WriteCall): boolean {
    const isCurrent = this.lead() === lead;
    if (isCurrent) this.#run(call);
    return isCurrent || (call.name === "append" && this.#complete(...call.args));
  }

  /** Closes the file and merges its write-ahead log into it. */
  close(): void {
    this.#database.close();
  }

  #complete(sessionKey: string, messages: readonly TranscriptMessage[]): boolean {
    const changes = messages.map(
      (message) => this.#completeMessage.run(JSON.stringify(message), sessionKey, message.id).changes,
    );
    return changes.every((changed) => changed === 1);
  }

  #run(call: Call<TranscriptOperations>): unknown {
    return Reflect.apply(this[call.name], this, call.args);
  }
}
