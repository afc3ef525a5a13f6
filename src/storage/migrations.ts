import type { DatabaseSync } from "node:sqlite";

/**
 * The steps from an empty file to today's tables. A released step is never changed: a new one is added behind it.
 *
 * A record is the JSON of the port's own type; what statements look for stands in columns beside it.
 */
const STEPS: readonly string[] = [
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

/** Brings the tables to today's form. Throws when a newer version made them. The file remembers its step. */
export function migrate(database: DatabaseSync): void {
  const done = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (done > STEPS.length) {
    throw new Error(`it was written by a newer version (step ${done}, this one knows ${STEPS.length})`);
  }
  STEPS.slice(done).forEach((step, index) => {
    database.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${done + index + 1}; COMMIT`);
  });
}
