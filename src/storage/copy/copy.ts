import { randomUUID } from "node:crypto";
import { pid } from "node:process";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { PostgresOptions } from "../postgres/connection.ts";
import { PostgresDatabase, type Query } from "../postgres/database.ts";
import { hasTables, migrate, migrateIn } from "../postgres/migrations.ts";
import { RunLock } from "../postgres/run-lock.ts";
import { claimDirectory } from "../sqlite/directory-claim.ts";
import { countRows, readTable, writeTable } from "./postgres-tables.ts";
import { hasData, NewDirectory, readDirectory } from "./sqlite-tables.ts";
import { TABLES } from "./tables.ts";

/** The two places, neither of which a gateway may use meanwhile. */
export interface CopyPlaces {
  readonly directory: string;
  readonly postgres: PostgresOptions;
}

/** How many rows were copied of one kind. */
export interface Copied {
  readonly rows: string;
  readonly count: number;
}

/** How long a statement may take: an index over years of streams takes minutes. */
const STATEMENT_MS = 3_600_000;
const CLOSE_MS = 1_000;
/** What to do about a gateway that uses a place. */
const CURE = "stop it, and start it again when this is done";

/**
 * Copies a data directory into an empty schema, all of it or nothing. Rejects with `store_unavailable` when either is in use
 * or cannot be used, or when there are rows in the schema.
 */
export async function copyToPostgres(places: CopyPlaces): Promise<readonly Copied[]> {
  const { directory } = places;
  if (!hasData(directory)) throw refused(`there is no database in ${directory}: name the data directory with --data`);
  return alone(places, (database) =>
    database.inTransaction((query) => fillTables(directory, database, query), STATEMENT_MS),
  );
}

/** Copies a directory's rows into new tables. */
async function fillTables(directory: string, database: PostgresDatabase, query: Query): Promise<readonly Copied[]> {
  const { schema, place } = database;
  await migrateIn(query, schema);
  if ((await countRows(query)) > 0) {
    throw refused(`the schema ${schema} of PostgreSQL at ${place} is not empty: set data.postgres.schema to a new one`);
  }
  const copied: Copied[] = [];
  for (const table of TABLES) {
    let count = 0;
    for (const rows of readDirectory(directory, table)) {
      await writeTable(query, table, rows);
      count += rows.length;
    }
    copied.push({ rows: table.rows, count });
  }
  return copied;
}

/** The same the other way: from a schema into an empty data directory. */
export function copyToDirectory(places: CopyPlaces): Promise<readonly Copied[]> {
  return alone(places, async (database) => {
    const { schema, place } = database;
    if (!(await hasTables(database)))
      throw refused(
        `there is nothing in the schema ${schema} of PostgreSQL at ${place}: name another data.postgres.schema`,
      );
    await migrate(database);
    const target = newDirectory(places.directory);
    try {
      const copied = await database.inTransaction((query) => fillDirectory(target, query), STATEMENT_MS);
      target.finish();
      return copied;
    } catch (error) {
      target.abandon();
      throw error;
    }
  });
}

async function fillDirectory(target: NewDirectory, query: Query): Promise<readonly Copied[]> {
  // `sluice keys` may write meanwhile.
  await query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  const copied: Copied[] = [];
  for (const table of TABLES) {
    let count = 0;
    for await (const rows of readTable(query, table)) {
      target.write(table, rows);
      count += rows.length;
    }
    copied.push({ rows: table.rows, count });
  }
  return copied;
}

/** Runs `work` while no gateway uses either place. */
async function alone<Result>(
  { directory, postgres }: CopyPlaces,
  work: (database: PostgresDatabase) => Promise<Result>,
): Promise<Result> {
  await using held = new AsyncDisposableStack();
  held.adopt(claimDirectory({ directory, shared: false, pid, cure: CURE }), (claim) => claim.close());
  const database = held.adopt(new PostgresDatabase(postgres), (part) => part.close(CLOSE_MS));
  const instance = `migrate ${randomUUID()}`;
  const lock = new RunLock({ ...postgres, instance, shared: false, cure: CURE, taken: () => {} }, database);
  held.adopt(lock, (part) => part.close());
  await lock.take();
  try {
    return await work(database);
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : database.unusable(cause);
  }
}

function newDirectory(directory: string): NewDirectory {
  try {
    return new NewDirectory(directory);
  } catch (cause) {
    throw refused(isNativeError(cause) ? cause.message : String(cause));
  }
}

const refused = (message: string): GatewayError => new GatewayError("store_unavailable", message);
