import type { DatabaseSync } from "node:sqlite";

/**
 * Runs `work` in one transaction and returns its result. No other process writes meanwhile. Throws what `work` or the
 * store throws, and then nothing is written.
 */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // Some failures, such as a full disk, have already rolled back.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
