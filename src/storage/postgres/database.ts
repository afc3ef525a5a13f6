import { isNativeError } from "node:util/types";
import { Pool, type PoolClient, type PoolConfig } from "pg";
import { GatewayError } from "../../core/kernel/errors.ts";
import { connectionOf, type PostgresOptions, placeOf, STATEMENT_MS, serverTimeoutOf, setUp } from "./connection.ts";
import { reasonOf } from "./outage.ts";

/** A row by its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** One statement, with `$1 …` for its values. Resolves with its rows. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A connection without work is closed after this long. */
const IDLE_MS = 30_000;

/** The database's connections, opened as they are needed, and again when they were lost. */
export class PostgresDatabase {
  /** Names the server for people. */
  readonly place: string;
  readonly schema: string;
  readonly #pool: Pool;
  readonly #begins: () => (error: unknown) => void;
  #ended: Promise<void> | undefined;

  /**
   * Opens nothing yet. `begins` is called when a statement or a transaction begins, and what it returns if that fails. Throws
   * `store_unavailable` when the URL cannot be used.
   */
  constructor(options: PostgresOptions, begins: () => (error: unknown) => void = () => () => {}) {
    this.#begins = begins;
    this.place = placeOf(options.url);
    this.schema = options.schema;
    this.#pool = new Pool(poolOf(options, this.place));
    // A connection lost without work is no one's failure, and the next statement opens another.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  /** Runs one statement by itself. Rejects with the driver's error. */
  async query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const failed = this.#begins();
    try {
      return (await this.#pool.query(text, [...values])).rows;
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  /**
   * Runs `work` in one transaction, and commits what it did. `timeoutMs`: how long each of its statements may take. Rejects
   * with what it threw, and then nothing is written.
   */
  async inTransaction<Result>(work: (query: Query) => Promise<Result>, timeoutMs = STATEMENT_MS): Promise<Result> {
    const failed = this.#begins();
    try {
      return await this.#inTransaction(work, timeoutMs);
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  /** Closes the connections once their statements are answered; gives up after `ms`. */
  async close(ms: number): Promise<void> {
    this.#ended ??= this.#pool.end();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([this.#ended.catch(() => {}), promise]);
    clearTimeout(timer);
  }

  /** `store_unavailable`, or another code, with the server's name and the reason. */
  unusable(cause: unknown, code: "store_unavailable" | "ledger_unavailable" = "store_unavailable"): GatewayError {
    return new GatewayError(code, `PostgreSQL at ${this.place} cannot be used: ${reasonOf(cause)}`, { cause });
  }

  async #inTransaction<Result>(work: (query: Query) => Promise<Result>, timeoutMs: number): Promise<Result> {
    const client = await this.#pool.connect();
    let isDone = false;
    try {
      await client.query("BEGIN");
      if (timeoutMs !== STATEMENT_MS) await client.query(`SET LOCAL statement_timeout = ${serverTimeoutOf(timeoutMs)}`);
      const result = await work(queryOf(client, timeoutMs));
      await client.query("COMMIT");
      isDone = true;
      return result;
    } finally {
      // A connection in doubt is closed, which rolls back.
      client.release(!isDone);
    }
  }
}

const queryOf =
  (client: PoolClient, timeoutMs: number): Query =>
  async (text, values = []) => {
    const question = { text, values: [...values], query_timeout: timeoutMs };
    return (await client.query(question)).rows;
  };

function poolOf(options: PostgresOptions, place: string): PoolConfig {
  try {
    return {
      ...connectionOf(options.url),
      max: options.connections,
      idleTimeoutMillis: IDLE_MS,
      onConnect: async (client) => void (await client.query(setUp(options.schema))),
    };
  } catch (cause) {
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `PostgreSQL at ${place} cannot be used: ${reason}`, { cause });
  }
}
