import { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonValue } from "../../core/kernel/json.ts";
import type { StoredDocument } from "../../core/ports/documents.ts";
import type { SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports/transcripts.ts";
import type { PostgresDatabase, Row } from "../postgres/database.ts";
import { Lanes } from "../postgres/lanes.ts";
import { patiently } from "../postgres/patience.ts";
import { fromColumn, toColumn } from "../postgres/values.ts";

/** How long a call waits for a server that is away, and closing for the last calls. */
const PATIENCE_MS = 10_000;
/** Calls that may wait for the server; each may hold a message with its files. */
const MAX_WAITING = 1_000;

const SAVE_SESSION = `INSERT INTO sessions (key, updated_at, record) VALUES ($1, $2, $3)
  ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at, record = excluded.record`;
const DELETE_SESSION = `WITH its_messages AS (DELETE FROM messages WHERE session_key = $1)
  DELETE FROM sessions WHERE key = $1`;
const APPEND = `INSERT INTO messages (session_key, id, seq, record)
  SELECT $1, id, seq, record::json FROM unnest($2::text[], $3::bigint[], $4::text[]) AS added (id, seq, record)
  ON CONFLICT (session_key, id) DO UPDATE SET seq = excluded.seq, record = excluded.record`;
const SAVE_DOCUMENT = `INSERT INTO documents (kind, key, value) VALUES ($1, $2, $3)
  ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`;

/**
 * Sessions, transcripts and documents in PostgreSQL. Calls about one session, or one kind of document, run in the order
 * in which they are made. Each waits for a server that is away, for a few seconds, and then fails.
 */
export class PostgresTranscripts implements Transcripts {
  readonly #database: PostgresDatabase;
  readonly #patienceMs: number;
  readonly #lanes = new Lanes();
  #waiting = 0;
  #closed: Promise<void> | undefined;

  constructor(database: PostgresDatabase, patienceMs: number = PATIENCE_MS) {
    this.#database = database;
    this.#patienceMs = patienceMs;
  }

  async sessions(): Promise<readonly SessionRecord[]> {
    await this.#lanes.settled();
    const rows = await this.#ask("all sessions", "SELECT record FROM sessions ORDER BY updated_at DESC", []);
    return rows.map((row) => row.record as SessionRecord);
  }

  async saveSession(session: SessionRecord): Promise<void> {
    const values = [toColumn(session.key), session.updatedAt, JSON.stringify(session)];
    await this.#ask(ofSession(session.key), SAVE_SESSION, values);
  }

  async deleteSession(key: string): Promise<void> {
    await this.#ask(ofSession(key), DELETE_SESSION, [toColumn(key)]);
  }

  async messages(sessionKey: string): Promise<readonly TranscriptMessage[]> {
    const statement = "SELECT record FROM messages WHERE session_key = $1 ORDER BY seq";
    const rows = await this.#ask(ofSession(sessionKey), statement, [toColumn(sessionKey)]);
    return rows.map((row) => row.record as TranscriptMessage);
  }

  async message(sessionKey: string, id: string): Promise<TranscriptMessage | undefined> {
    const statement = "SELECT record FROM messages WHERE session_key = $1 AND id = $2";
    const [row] = await this.#ask(ofSession(sessionKey), statement, [toColumn(sessionKey), toColumn(id)]);
    return row?.record as TranscriptMessage | undefined;
  }

  async append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void> {
    // One statement cannot write a row twice: the last one of an id counts.
    const added = [...new Map(messages.map((message) => [message.id, message])).values()];
    const columns = [
      added.map(({ id }) => toColumn(id)),
      added.map(({ seq }) => seq),
      added.map((message) => JSON.stringify(message)),
    ];
    await this.#ask(ofSession(sessionKey), APPEND, [toColumn(sessionKey), ...columns]);
  }

  async clear(sessionKey: string): Promise<void> {
    await this.#ask(ofSession(sessionKey), "DELETE FROM messages WHERE session_key = $1", [toColumn(sessionKey)]);
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    const statement = "SELECT key, value FROM documents WHERE kind = $1 ORDER BY key";
    const rows = await this.#ask(ofKind(kind), statement, [toColumn(kind)]);
    return rows.map(({ key, value }) => ({ key: fromColumn(String(key)), value: value as JsonValue }));
  }

  async saveDocument(kind: string, key: string, value: JsonValue): Promise<void> {
    await this.#ask(ofKind(kind), SAVE_DOCUMENT, [toColumn(kind), toColumn(key), JSON.stringify(value)]);
  }

  async deleteDocument(kind: string, key: string): Promise<void> {
    const statement = "DELETE FROM documents WHERE kind = $1 AND key = $2";
    await this.#ask(ofKind(kind), statement, [toColumn(kind), toColumn(key)]);
  }

  /** Waits for every call made before it. The database stays open for others. */
  close(): Promise<void> {
    this.#closed ??= this.#lanes.settled();
    return this.#closed;
  }

  async #ask(lane: string, statement: string, values: readonly unknown[]): Promise<readonly Row[]> {
    if (this.#closed !== undefined) throw new GatewayError("store_unavailable", "the store is closed");
    if (this.#waiting >= MAX_WAITING) throw new GatewayError("store_unavailable");
    this.#waiting++;
    try {
      return await this.#lanes.run(lane, () =>
        patiently(() => this.#database.query(statement, values), this.#patienceMs),
      );
    } catch (cause) {
      throw new GatewayError("store_unavailable", undefined, { cause });
    } finally {
      this.#waiting--;
    }
  }
}

const ofSession = (key: string): string => `session ${key}`;
const ofKind = (kind: string): string => `documents ${kind}`;
