import type { Team } from "../../core/caller/caller.ts";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { PostgresOptions } from "../postgres/connection.ts";
import { PostgresDatabase, type Query } from "../postgres/database.ts";
import type { Health } from "../postgres/health.ts";
import { migrate } from "../postgres/migrations.ts";
import { stateOf } from "../postgres/outage.ts";
import { toColumn } from "../postgres/values.ts";
import { type KeyNews, type KeyWatch, lookForKeys } from "./key-looks.ts";
import { checkTeam, keyOf, keysWithout, recordOf } from "./key-records.ts";
import { hasKey, type KeyStore, noKey, type TeamChange } from "./key-store.ts";

const ALL = "SELECT record FROM keys ORDER BY position";
const SAVE = "UPDATE keys SET caller = $2, revoked = $3, record = $4 WHERE id = $1";
/** Taken before any row: changes of teams wait for those of keys, and the other way round. */
const FOR_KEYS = "LOCK TABLE teams IN ROW SHARE MODE";
const FOR_TEAMS = "LOCK TABLE teams IN EXCLUSIVE MODE";
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
    return this.#asked(listOf(queryOf(this.#database)));
  }

  teams(): Promise<readonly Team[]> {
    return this.#asked(teamsOf(queryOf(this.#database)));
  }

  changeTeam(name: string, change: TeamChange): Promise<Team> {
    const changing = this.#database.inTransaction(async (query) => {
      await query(FOR_TEAMS);
      const changed = change((await teamsOf(query)).find((team) => team.name === name));
      const save = "INSERT INTO teams VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET record = excluded.record";
      await query(save, [toColumn(name), JSON.stringify(changed)]);
      return changed;
    });
    return this.#asked(changing);
  }

  removeTeam(name: string, mayLeave: boolean): Promise<readonly GatewayKey[]> {
    const removing = this.#database.inTransaction(async (query) => {
      await query(FOR_TEAMS);
      const left = keysWithout(name, await teamsOf(query), await listOf(query), mayLeave);
      for (const key of left) await query(SAVE, columnsOf(key));
      await query("DELETE FROM teams WHERE name = $1", [toColumn(name)]);
      return left;
    });
    return this.#asked(removing);
  }

  async add(key: GatewayKey): Promise<void> {
    const statement = "INSERT INTO keys (id, caller, revoked, record) VALUES ($1, $2, $3, $4)";
    const adding = this.#database.inTransaction(async (query) => {
      await query(FOR_KEYS);
      checkTeam(key, await teamsOf(query));
      await query(statement, columnsOf(key));
    });
    const added = adding.catch((error: unknown) => {
      throw stateOf(error) === UNIQUE_VIOLATION ? hasKey(key.caller) : error;
    });
    await this.#asked(added);
  }

  change(idOrCaller: string, change: (key: GatewayKey) => GatewayKey): Promise<GatewayKey> {
    const changing = this.#database.inTransaction(async (query) => {
      await query(FOR_KEYS);
      const teams = await teamsOf(query);
      const key = await find(query, idOrCaller, teams);
      if (!key) throw noKey(idOrCaller);
      const changed = change(key);
      checkTeam(changed, teams);
      await query(SAVE, columnsOf(changed));
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
      const keys = await listOf(queryOf(database));
      returned = version;
      return keys;
    } catch (cause) {
      throw database.unusable(cause);
    }
  };
  return lookForKeys({ changed, lookMs: LOOK_MS, close: async () => {} }, news);
}

async function find(query: Query, idOrCaller: string, teams: readonly Team[]): Promise<GatewayKey | undefined> {
  const statement = `SELECT record FROM keys WHERE id = $1 OR (caller = $1 AND NOT revoked)
    ORDER BY id = $1 DESC LIMIT 1 FOR UPDATE`;
  return keysOf(await query(statement, [toColumn(idOrCaller)]), teams)[0];
}

type Rows = readonly { readonly [column: string]: unknown }[];

const keysOf = (rows: Rows, teams: readonly Team[]): readonly GatewayKey[] =>
  rows.map(({ record }) => keyOf(record as Parameters<typeof keyOf>[0], teams));

const teamsOf = async (query: Query): Promise<readonly Team[]> =>
  (await query("SELECT record FROM teams ORDER BY name")).map(({ record }) => record as Team);

async function listOf(query: Query): Promise<readonly GatewayKey[]> {
  const rows = await query(ALL);
  return keysOf(rows, await teamsOf(query));
}

const queryOf =
  (database: PostgresDatabase): Query =>
  (...asked) =>
    database.query(...asked);

const columnsOf = (key: GatewayKey): readonly unknown[] => [
  toColumn(key.id),
  toColumn(key.caller),
  key.revokedAt !== undefined,
  JSON.stringify(recordOf(key)),
];
