import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDataFile, makeDirectory } from "./data-directory.ts";
import { migrate } from "./migrations.ts";

/** How long a statement waits for another process that holds the file, by default. */
const BUSY_MS = 2000;

/**
 * Opens or creates a database and migrates it. Directory and files are private to their owner, and to the group where
 * the umask lets it write. Throws when the database cannot be used.
 */
export function openDatabase(
  directory: string,
  name: string,
  steps: readonly string[],
  busyMs: number = BUSY_MS,
): DatabaseSync {
  makeDirectory(directory);
  const file = join(directory, name);
  createDataFile(file);
  const database = new DatabaseSync(file, { timeout: busyMs });
  try {
    // FULL: an acknowledged commit survives a power failure.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, steps);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
