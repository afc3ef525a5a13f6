import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { makeDirectory } from "./data-directory.ts";
import { migrate } from "./migrations.ts";

/** How long a statement waits for another process that holds the file. */
const BUSY_MS = 2000;

/**
 * Opens or creates a database and brings its tables up to date. Directory and files are for their owner only. Throws
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
  createPrivately(file);
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

/** SQLite gives its log files the mode of the database file, which it would make readable to all. */
function createPrivately(file: string): void {
  try {
    // One that is there is left alone: opening and closing it would give up this process' locks on it (POSIX).
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(isNativeError(error) && "code" in error && error.code === "EEXIST")) throw error;
  }
}
