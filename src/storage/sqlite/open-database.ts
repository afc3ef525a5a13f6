import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDataFile, makeDirectory } from "./data-directory.ts";
import { migrate } from "./migrations.ts";

/** How long a statement waits for another process that holds the file. */
const BUSY_MS = 2000;

/**
 * Opens or creates a database and brings its tables up to date. Directory and files are for their owner, and for their
 * group where the umask lets it write. Throws
 * when it cannot be used.
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
    // FULL: a commit is on the disk when it is acknowledged, also when the power fails.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    migrate(database, steps);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
