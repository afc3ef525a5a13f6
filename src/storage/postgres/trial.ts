import type { PostgresOptions } from "./connection.ts";
import { PostgresDatabase } from "./database.ts";
import { checkMigrations } from "./migrations.ts";
import { refusePoolOfTransactions } from "./pooling.ts";

/** How long closing waits. */
const CLOSE_MS = 1_000;

/** Connects and changes nothing. Rejects with `store_unavailable` if a gateway could not use the database. */
export async function tryPostgres(options: PostgresOptions): Promise<void> {
  const database = new PostgresDatabase(options);
  try {
    await refusePoolOfTransactions(options, database);
    await checkMigrations(database);
  } finally {
    await database.close(CLOSE_MS);
  }
}
