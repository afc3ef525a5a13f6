import { checkClaim } from "./cluster-claim.ts";
import type { PostgresOptions } from "./connection.ts";
import { PostgresDatabase } from "./database.ts";
import { checkMigrations } from "./migrations.ts";
import { refusePoolOfTransactions } from "./pooling.ts";

/** How long closing waits. */
const CLOSE_MS = 1_000;

/** A gateway that shares its schema. */
export interface Sharing {
  /** `cluster.redis.prefix`; undefined without a cluster. */
  readonly prefix: string | undefined;
}

/** Connects and changes nothing. Rejects with `store_unavailable` if a gateway could not use the database. */
export async function tryPostgres(options: PostgresOptions, sharing: Sharing | undefined): Promise<void> {
  const database = new PostgresDatabase(options);
  try {
    await refusePoolOfTransactions(options, database);
    await checkMigrations(database);
    if (sharing) await checkClaim(database, sharing.prefix);
  } finally {
    await database.close(CLOSE_MS);
  }
}
