import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDataFile, makeDirectory } from "./data-directory.ts";
import { migrate } from "./migrations.ts";

/** How long a statement waits for another process that holds the file, by default. */
const BUSY_MS = 2000;
const AGAIN_MS = 5;
/** The low byte of `errcode`, whatever the file is busy with. */
const SQLITE_BUSY = 5;

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
    whileBusy(busyMs, () => {
      // FULL: an acknowledged commit survives a power failure.
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      migrate(database, steps);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Tries again what finds the file busy, until `busyMs` have passed. SQLite waits for most locks by itself, but refuses at once
 * to begin a write-ahead log while another process does, as those do that start together in a new directory.
 */
function whileBusy(busyMs: number, work: () => void): void {
  const until = performance.now() + busyMs;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      const isBusy = (Number(Object(error).errcode) & 0xff) === SQLITE_BUSY;
      if (!isBusy || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    }
  }
}
