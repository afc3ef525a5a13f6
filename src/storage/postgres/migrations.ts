import type { PostgresDatabase, Query } from "./database.ts";
import { STEPS } from "./steps.ts";

/** A lock that is held by name, within one database: PostgreSQL counts them by a 64-bit number. */
export const lockNumber = (parameter: string): string => `hashtextextended(${parameter}, 0)`;

/** How long a step may take, and waiting for another gateway that runs them. */
export const MIGRATION_MS = 600_000;

/**
 * Runs the missing migrations in one transaction, one gateway at a time. Rejects with `store_unavailable` when a newer
 * version made the tables, when the database is not in UTF-8, or when this user may not change it.
 */
export async function migrate(database: PostgresDatabase, steps: readonly string[] = STEPS): Promise<void> {
  try {
    await database.inTransaction((query) => migrateIn(query, database.schema, steps), MIGRATION_MS);
  } catch (cause) {
    throw database.unusable(cause);
  }
}

/**
 * Whether `migrate` would succeed, as far as that can be seen without changing anything. Rejects with `store_unavailable`
 * if it would not.
 */
export async function checkMigrations(database: PostgresDatabase, steps: readonly string[] = STEPS): Promise<void> {
  try {
    const { isMissing } = await look(database.query.bind(database), database.schema);
    if (!isMissing) await stepsDone(database.query.bind(database), database.schema, steps);
  } catch (cause) {
    throw database.unusable(cause);
  }
}

/** Whether the schema has tables of Sluice's. Rejects as `checkMigrations` does. */
export async function hasTables(database: PostgresDatabase): Promise<boolean> {
  try {
    return (await stepsDone(database.query.bind(database), database.schema, STEPS)) > 0;
  } catch (cause) {
    throw database.unusable(cause);
  }
}

/** Runs them in a transaction of the caller's. Rejects with what is wrong, or the driver's error. */
export async function migrateIn(query: Query, schema: string, steps: readonly string[] = STEPS): Promise<void> {
  await query(`SELECT pg_advisory_xact_lock(${lockNumber("$1")})`, [`sluice:migrations:${schema}`]);
  const { isMissing } = await look(query, schema);
  // Even with IF NOT EXISTS it needs a permission that is not needed where an administrator has made the schema.
  if (isMissing) await query(`CREATE SCHEMA "${schema}"`);
  await query(`CREATE TABLE IF NOT EXISTS "${schema}".migrations (
    step integer PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())`);
  const done = await stepsDone(query, schema, steps);
  for (const [index, step] of steps.entries()) {
    if (index < done) continue;
    await query(step);
    await query(`INSERT INTO "${schema}".migrations (step) VALUES ($1)`, [index + 1]);
  }
}

/** Whether the schema is missing. Rejects when the database cannot hold it. */
async function look(query: Query, schema: string): Promise<{ readonly isMissing: boolean }> {
  const [found] = await query(
    `SELECT current_setting('server_encoding') AS encoding, to_regnamespace(quote_ident($1)) IS NULL AS is_missing,
       has_database_privilege(current_database(), 'CREATE') AS may_make_it, quote_ident(current_user) AS "user"`,
    [schema],
  );
  if (found?.encoding !== "UTF8") throw new Error(`its encoding is ${String(found?.encoding)}, not UTF8`);
  if (found.is_missing && !found.may_make_it) {
    const cure = `CREATE SCHEMA ${schema} AUTHORIZATION ${String(found.user)}`;
    throw new Error(`this user may not make the schema ${schema} in it: let its owner ${cure}`);
  }
  return { isMissing: found.is_missing === true };
}

async function stepsDone(query: Query, schema: string, steps: readonly string[]): Promise<number> {
  const [{ table } = { table: null }] = await query("SELECT to_regclass($1) AS table", [`"${schema}".migrations`]);
  if (table === null) return 0;
  const [{ done } = { done: 0 }] = await query(`SELECT coalesce(max(step), 0) AS done FROM "${schema}".migrations`);
  if (Number(done) > steps.length) {
    throw new Error(`a newer version made its tables (step ${String(done)}, this one knows ${steps.length})`);
  }
  return Number(done);
}
