import type { JsonValue } from "../../core/kernel/json.ts";
import type { StoredDocument } from "../../core/ports/documents.ts";
import type { StoreChange } from "../../core/ports/store-change.ts";
import type { LeadOptions, SessionRecord, TranscriptMessage, Transcripts } from "../../core/ports/transcripts.ts";
import type { PostgresDatabase, Query, Row } from "../postgres/database.ts";
import type { DeadRuns } from "../postgres/dead-runs.ts";
import { fromColumn, toColumn } from "../postgres/values.ts";
import { LEAD_KIND, refused, takeLead, type Write } from "./lead.ts";
import { PatientCalls } from "./patient-calls.ts";
import { changing, SUCCEED } from "./postgres-statements.ts";
import type { StoreNews } from "./store-news.ts";

/** What the store in PostgreSQL needs. */
export interface PostgresTranscriptsOptions {
  readonly database: PostgresDatabase;
  /** Identifies this run of the gateway in the documents that it writes. */
  readonly instance: string;
  /** Which other runs have ended. */
  readonly deadRuns: DeadRuns;
  /** What the gateways that share the tables tell each other; undefined if this is the only one. */
  readonly news: StoreNews | undefined;
  /** How long a read waits for a server that is away, and each write once the process stops. */
  readonly patienceMs?: number;
}

/** What a lead has besides: its name, and the calls of the store that it belongs to. */
interface Lead extends Pick<LeadOptions, "lost"> {
  readonly name: string;
  readonly calls: PatientCalls;
}

/**
 * Sessions, transcripts and documents in PostgreSQL. Calls about one session, or one kind of document, run in the order
 * in which they are made. While the server is away writes wait, and reads for a few seconds.
 */
export class PostgresTranscripts implements Transcripts {
  readonly #options: PostgresTranscriptsOptions;
  readonly #database: PostgresDatabase;
  readonly #instance: string;
  readonly #deadRuns: DeadRuns;
  readonly #news: StoreNews | undefined;
  readonly #calls: PatientCalls;
  /** The lead that writes here; undefined if there is none. */
  readonly #lead: Lead | undefined;

  constructor(options: PostgresTranscriptsOptions, lead?: Lead) {
    const { database, instance, deadRuns, news, patienceMs } = options;
    this.#options = options;
    this.#database = database;
    this.#instance = instance;
    this.#deadRuns = deadRuns;
    this.#news = news;
    this.#calls = lead?.calls ?? new PatientCalls(patienceMs);
    this.#lead = lead;
  }

  async sessions(): Promise<readonly SessionRecord[]> {
    await this.#calls.settled();
    const rows = await this.#read("all sessions", "SELECT record FROM sessions ORDER BY updated_at DESC", []);
    return rows.map(sessionOf);
  }

  async session(key: string): Promise<SessionRecord | undefined> {
    const rows = await this.#read(ofSession(key), "SELECT record FROM sessions WHERE key = $1", [toColumn(key)]);
    return rows.map(sessionOf)[0];
  }

  async saveSession(session: SessionRecord): Promise<void> {
    const values = () => [toColumn(session.key), session.updatedAt, JSON.stringify(session)];
    await this.#change("saveSession", { kind: "session", key: session.key }, values);
  }

  async deleteSession(key: string): Promise<void> {
    await this.#change("deleteSession", { kind: "session", key }, () => [toColumn(key)]);
  }

  async messages(sessionKey: string): Promise<readonly TranscriptMessage[]> {
    const statement = "SELECT record FROM messages WHERE session_key = $1 ORDER BY seq";
    const rows = await this.#read(ofSession(sessionKey), statement, [toColumn(sessionKey)]);
    // Two gateways that write at the same time may give the same number.
    return rows.map(messageOf).sort((one, other) => one.seq - other.seq || one.timestamp - other.timestamp);
  }

  async message(sessionKey: string, id: string): Promise<TranscriptMessage | undefined> {
    const statement = "SELECT record FROM messages WHERE session_key = $1 AND id = $2";
    const rows = await this.#read(ofSession(sessionKey), statement, [toColumn(sessionKey), toColumn(id)]);
    return rows.map(messageOf)[0];
  }

  async append(sessionKey: string, messages: readonly TranscriptMessage[]): Promise<void> {
    // One statement cannot write a row twice: the last one of an id counts.
    const added = [...new Map(messages.map((message) => [message.id, message])).values()];
    const values = () => [
      toColumn(sessionKey),
      added.map(({ id }) => toColumn(id)),
      added.map(({ seq }) => seq),
      added.map((message) => JSON.stringify(message)),
    ];
    await this.#change("append", { kind: "messages", key: sessionKey }, values);
  }

  async clear(sessionKey: string): Promise<void> {
    await this.#change("clear", { kind: "messages", key: sessionKey }, () => [toColumn(sessionKey)]);
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    const statement = "SELECT key, value FROM documents WHERE kind = $1 ORDER BY key";
    return (await this.#read(ofKind(kind), statement, [toColumn(kind)])).map(documentOf);
  }

  async document(kind: string, key: string): Promise<JsonValue | undefined> {
    const statement = "SELECT key, value FROM documents WHERE kind = $1 AND key = $2";
    return (await this.#read(ofKind(kind), statement, [toColumn(kind), toColumn(key)])).map(documentOf)[0]?.value;
  }

  async claim(kind: string, which: "all" | "left"): Promise<readonly StoredDocument[]> {
    const taken = () => this.#database.inTransaction((query) => this.#claim(query, toColumn(kind), which));
    return (await this.#calls.read(ofKind(kind), taken)).map(documentOf);
  }

  async release(kind: string): Promise<void> {
    const left = "UPDATE documents SET owner = NULL WHERE kind = $1 AND owner = $2";
    await this.#calls.write(ofKind(kind), () => this.#database.query(left, [toColumn(kind), this.#instance]));
  }

  async saveDocument(kind: string, key: string, value: JsonValue): Promise<void> {
    const values = () => [toColumn(kind), toColumn(key), JSON.stringify(value), this.#instance];
    await this.#change("saveDocument", { kind: "document", of: kind, key }, values);
  }

  async deleteDocument(kind: string, key: string): Promise<void> {
    const values = () => [toColumn(kind), toColumn(key)];
    await this.#change("deleteDocument", { kind: "document", of: kind, key }, values);
  }

  follow(changed: (change: StoreChange) => void): () => void {
    return this.#news?.follow(changed) ?? (() => {});
  }

  async lead({ leads, lost }: LeadOptions): Promise<Transcripts | undefined> {
    const record = {
      lead: async () => (await this.document(LEAD_KIND, "")) as string | undefined,
      succeed: async (before: string | undefined, next: string) => {
        const values = [JSON.stringify(next), before === undefined ? null : JSON.stringify(before)];
        return (await this.#calls.read(ofKind(LEAD_KIND), () => this.#database.query(SUCCEED, values))).length > 0;
      },
    };
    const name = await takeLead(record, leads);
    return name === undefined ? undefined : new PostgresTranscripts(this.#options, { name, lost, calls: this.#calls });
  }

  hurry(): () => void {
    return this.#calls.hurry();
  }

  /** Waits for every call made before it. The database stays open for others. */
  close(): Promise<void> {
    return this.#calls.close();
  }

  #read(lane: string, statement: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#calls.read(lane, () => this.#database.query(statement, values));
  }

  async #change(name: Write, change: Written, values: () => readonly unknown[]): Promise<void> {
    const led = this.#lead === undefined ? [] : [JSON.stringify(this.#lead.name)];
    const told = this.#news ? [this.#database.schema, this.#news.payloadOf(change)] : [];
    const statement = changing(name, { isLed: led.length > 0, isTold: told.length > 0 });
    const [row] = await this.#calls.write(laneOf(change), () =>
      this.#database.query(statement, [...values(), ...led, ...told]),
    );
    if (this.#lead && row?.isDone !== true) throw refused(this.#lead);
  }

  async #claim(query: Query, kind: string, which: "all" | "left"): Promise<readonly Row[]> {
    const left = which === "all" ? [] : await this.#left(query, kind);
    return query(
      `UPDATE documents SET owner = $2 WHERE kind = $1 AND ($3 OR owner IS NULL OR owner = $2 OR owner = ANY ($4))
       RETURNING key, value`,
      [kind, this.#instance, which === "all", left],
    );
  }

  /** Runs that have ended and own documents of this kind. */
  async #left(query: Query, kind: string): Promise<readonly string[]> {
    const found = await query("SELECT DISTINCT owner FROM documents WHERE kind = $1 AND owner <> $2", [
      kind,
      this.#instance,
    ]);
    const owners = found.map(({ owner }) => String(owner));
    const dead: string[] = [];
    for (const owner of owners) if (await this.#deadRuns.isDead(query, owner)) dead.push(owner);
    this.#deadRuns.keep(owners);
    return dead;
  }
}

/** What one call changes. */
type Written = Exclude<StoreChange, { readonly kind: "all" }>;

const sessionOf = ({ record }: Row): SessionRecord => record as SessionRecord;
const messageOf = ({ record }: Row): TranscriptMessage => record as TranscriptMessage;
const documentOf = ({ key, value }: Row): StoredDocument => ({
  key: fromColumn(String(key)),
  value: value as JsonValue,
});

const ofSession = (key: string): string => `session ${key}`;
const ofKind = (kind: string): string => `documents ${kind}`;
const laneOf = (change: Written): string => (change.kind === "document" ? ofKind(change.of) : ofSession(change.key));
