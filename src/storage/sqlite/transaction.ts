import type { DatabaseSync } from "node:sqlite";

/**
 * Commits what `work` does as one, or nothing of it, and returns its result. From its first read on no other process
 * changes anything. Throws what `work` or the store throws.
 */
export function inTransaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // Some failures, such as a full disk, have rolled back by themselves.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
