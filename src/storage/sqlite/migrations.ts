import type { DatabaseSync } from "node:sqlite";
import { inTransaction } from "./transaction.ts";

// The migrations from an empty file to the current tables. A released one never changes; append a new one.

/**
 * Sessions, transcripts and documents. A record is the JSON of the port's type; columns beside it hold what statements search for.
 */
export const TRANSCRIPT_STEPS: readonly string[] = [
  `CREATE TABLE sessions (
     key TEXT PRIMARY KEY,
     updated_at REAL NOT NULL,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE TABLE messages (
     session_key TEXT NOT NULL,
     id TEXT NOT NULL,
     seq INTEGER NOT NULL,
     record TEXT NOT NULL CHECK (json_valid(record)),
     PRIMARY KEY (session_key, id)
   ) STRICT;
   CREATE INDEX messages_in_order ON messages (session_key, seq);`,
  `CREATE TABLE documents (
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     value TEXT NOT NULL CHECK (json_valid(value)),
     PRIMARY KEY (kind, key)
   ) STRICT, WITHOUT ROWID;`,
];

/** Gateway keys. A record is the JSON of a `GatewayKey`. */
export const KEY_STEPS: readonly string[] = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     caller TEXT NOT NULL,
     revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE UNIQUE INDEX one_key_each_caller ON keys (caller) WHERE revoked = 0;`,
  // A record is the JSON of a `Team`.
  `CREATE TABLE teams (
     name TEXT PRIMARY KEY,
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;`,
];

/** Runs the missing migrations in one transaction. Throws when a newer version wrote the file. */
export function migrate(database: DatabaseSync, steps: readonly string[]): void {
  // Read under the lock: two processes may start at the same time.
  inTransaction(database, () => {
    const done = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (done > steps.length) {
      throw new Error(`it was written by a newer version (step ${done}, this one knows ${steps.length})`);
    }
    for (const step of steps.slice(done)) database.exec(step);
    if (done < steps.length) database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}
