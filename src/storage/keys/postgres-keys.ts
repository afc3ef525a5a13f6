import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { PostgresOptions } from "../postgres/connection.ts";
import { PostgresDatabase, type Query } from "../postgres/database.ts";
import type { Health } from "../postgres/health.ts";
import { migrate } from "../postgres/migrations.ts";
import { stateOf } from "../postgres/outage.ts";
import { toColumn } from "../postgres/values.ts";
import { type KeyNews, type KeyWatch, lookForKeys } from "./key-looks.ts";
import { hasKey, type KeyStore, noKey } from "./key-store.ts";

const ALL = "SELECT record FROM keys ORDER BY position";
/** Between two looks; a change counts within two seconds. Each is one statement, which reads one row. */
const LOOK_MS = 500;
const UNIQUE_VIOLATION = "23505";

/** How long closing waits for a statement. */
const CLOSE_MS = 3_000;

/** Opens the keys in PostgreSQL for a command. Rejects with `store_unavailable` when they cannot be used. */
export async function openPostgresKeys(options: PostgresOptions): Promise<PostgresKeys> {
  const database = new PostgresDatabase(options);
  const keys = new PostgresKeys(database);
  try {
    await migrate(database);
    return keys;
  } catch (error) {
    await keys.close();
    throw error;
  }
}

/** The gateway keys in PostgreSQL. Rejects with `store_unavailable` when the server fails. */
export class PostgresKeys implements KeyStore {
  readonly #database: PostgresDatabase;

  /** `database` is closed with it. */
  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async list(): Promise<readonly GatewayKey[]> {
    return keysOf(await this.#asked(this.#database.query(ALL)));
  }

  async add(key: GatewayKey): Promise<void> {
    const statement = "INSERT INTO keys (id, caller, revoked, record) VALUES ($1, $2, $3, $4)";
    const added = this.#database.query(statement, columnsOf(key)).catch((error: unknown) => {
      throw stateOf(error) === UNIQUE_VIOLATION ? hasKey(key.caller) : error;
    });
    await this.#asked(added);
  }

  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): Promise<GatewayKey> {
    const changing = this.#database.inTransaction(async (query) => {
      const key = await find(query, idOrCaller);
      if (!key) throw noKey(idOrCaller);
      const changed = change(key);
      await query("UPDATE keys SET caller = $2, revoked = $3, record = $4 WHERE id = $1", columnsOf(changed));
      return changed;
    });
    return this.#asked(changing);
  }

  close(): Promise<void> {
    return this.#database.close(CLOSE_MS);
  }

  async #asked<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await answer;
    } catch (cause) {
      throw cause instanceof GatewayError ? cause : this.#database.unusable(cause);
    }
  }
}

/**
 * Watches the keys in PostgreSQL. Resolves after the first `keys`. Rejects with `store_unavailable` when they cannot be
 * read. The database stays open. What the looks show of the server is in `health`.
 */
export function watchPostgresKeys(database: PostgresDatabase, health: Health, news: KeyNews): Promise<KeyWatch> {
  let returned: unknown;
  const changed = async () => {
    try {
      // Read before the keys: a change in between shows at the next look.
      const look = () => database.query("SELECT version FROM key_changes");
      const [{ version } = { version: undefined }] = await health.measure(look);
      if (version === returned) return undefined;
      const keys = keysOf(await database.query(ALL));
      returned = version;
      return keys;
    } catch (cause) {
      throw database.unusable(cause);
    }
  };
  return lookForKeys({ changed, lookMs: LOOK_MS, close: async () => {} }, news);
}

async function find(query: Query, idOrCaller: string): Promise<GatewayKey | undefined> {
  const statement = `SELECT record FROM keys WHERE id = $1 OR (caller = $1 AND NOT revoked)
    ORDER BY id = $1 DESC LIMIT 1 FOR UPDATE`;
  return keysOf(await query(statement, [toColumn(idOrCaller)]))[0];
}

const keysOf = (rows: readonly { readonly [column: string]: unknown }[]): readonly GatewayKey[] =>
  rows.map(({ record }) => record as GatewayKey);

const columnsOf = (key: GatewayKey): readonly unknown[] => [
  toColumn(key.id),
  toColumn(key.caller),
  key.revokedAt !== undefined,
  JSON.stringify(key),
];
