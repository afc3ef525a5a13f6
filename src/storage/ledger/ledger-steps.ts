/**
 * The migrations from an empty file to the current ledger. A released one never changes; append a new one.
 *
 * Unknown values are NULL, never 0. Times are milliseconds since the epoch, durations milliseconds, costs billionths of
 * the price's currency.
 */
export const LEDGER_STEPS: readonly string[] = [
  `CREATE TABLE streams (
     stream TEXT PRIMARY KEY,
     instance TEXT NOT NULL,
     caller TEXT NOT NULL,
     key_id TEXT,
     face TEXT NOT NULL,
     session TEXT,
     route TEXT NOT NULL,
     model TEXT,
     upstream_model TEXT,
     opened_at INTEGER NOT NULL,
     closed_at INTEGER,
     outcome TEXT CHECK (outcome IN ('completed', 'failed', 'cancelled', 'lost')),
     code TEXT,
     source TEXT CHECK (source IN ('exact', 'estimated', 'unknown')),
     input_tokens INTEGER,
     output_tokens INTEGER,
     cache_read_tokens INTEGER,
     cache_write_tokens INTEGER,
     reasoning_tokens INTEGER,
     cost_nano INTEGER,
     first_byte_ms REAL,
     first_content_ms REAL,
     first_sent_ms REAL,
     total_ms REAL,
     events INTEGER,
     bytes INTEGER,
     CHECK ((outcome IS NULL) = (closed_at IS NULL)),
     CHECK ((outcome IS NULL) = (source IS NULL)),
     CHECK (source IS NOT 'unknown' OR (input_tokens IS NULL AND output_tokens IS NULL AND cost_nano IS NULL))
   ) STRICT;
   CREATE INDEX streams_by_time ON streams (opened_at);
   CREATE INDEX streams_of_caller ON streams (caller, opened_at);
   CREATE INDEX streams_open ON streams (instance) WHERE outcome IS NULL;`,
  // What caps count where the usage is unknown: the prompt of a running or lost stream, and what was metered of an answer
  // without token figures.
  `ALTER TABLE streams ADD COLUMN counted_tokens INTEGER;
   ALTER TABLE streams ADD COLUMN counted_nano INTEGER;`,
  // What was irregular and failed nothing, such as a request that was sent twice: kinds, separated by commas.
  "ALTER TABLE streams ADD COLUMN anomalies TEXT",
  // A stream has a row for each target it was tried on; all but the last are left.
  `ALTER TABLE streams ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
   ALTER TABLE streams ADD COLUMN is_left INTEGER NOT NULL DEFAULT 0 CHECK (is_left IN (0, 1));`,
  // The team that the key spent for.
  "ALTER TABLE streams ADD COLUMN team TEXT",
];
