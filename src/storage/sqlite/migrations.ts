import type { DatabaseSync } from "node:sqlite";
import { inTransaction } from "./transaction.ts";

// The steps from an empty file to today's tables. A released step is never changed: a new one is added behind it.

/**
 * Sessions and transcripts. A record is the JSON of the port's own type; what statements look for stands in columns beside it.
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
];

/** Gateway keys. The record is the JSON of a `GatewayKey`. */
export const KEY_STEPS: readonly string[] = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     caller TEXT NOT NULL,
     revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
     record TEXT NOT NULL CHECK (json_valid(record))
   ) STRICT;
   CREATE UNIQUE INDEX one_key_each_caller ON keys (caller) WHERE revoked = 0;`,
];

/** Brings the tables to today's form, or leaves them as they are. Throws when a newer version made them. */
export function migrate(database: DatabaseSync, steps: readonly string[]): void {
  // The file remembers its step; it is read under the lock, as two processes may start at once.
  inTransaction(database, () => {
    const done = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (done > steps.length) {
      throw new Error(`it was written by a newer version (step ${done}, this one knows ${steps.length})`);
    }
    for (const step of steps.slice(done)) database.exec(step);
    if (done < steps.length) database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}
