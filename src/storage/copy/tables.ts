import { KEY_FILE } from "../keys/key-database.ts";
import { LEDGER_FILE } from "../ledger/ledger-database.ts";
import { LEDGER_STEPS } from "../ledger/ledger-steps.ts";
import { KEY_STEPS, TRANSCRIPT_STEPS } from "../sqlite/migrations.ts";
import { DATABASE_FILE } from "../transcripts/sqlite-database.ts";

/** A file of a data directory, and the migrations that make its tables. */
export interface DataFile {
  readonly name: string;
  readonly steps: readonly string[];
}

/** What a column holds: texts and flags are written differently in the two stores, documents as they are. */
export type ColumnKind = "text" | "json" | "number" | "flag";

/** A table that both stores have. */
export interface Table {
  readonly name: string;
  /** What its rows are, for people. */
  readonly rows: string;
  readonly file: DataFile;
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** The order in which the rows are copied, in SQLite and in PostgreSQL. */
  readonly order: { readonly sqlite: string; readonly postgres: string };
  /** Rows that may be in memory at once: each may hold a message with its files. */
  readonly batch: number;
}

const KEYS: DataFile = { name: KEY_FILE, steps: KEY_STEPS };
const TRANSCRIPTS: DataFile = { name: DATABASE_FILE, steps: TRANSCRIPT_STEPS };
const LEDGER: DataFile = { name: LEDGER_FILE, steps: LEDGER_STEPS };

/** The files of a data directory. */
export const FILES: readonly DataFile[] = [KEYS, TRANSCRIPTS, LEDGER];

const byKey = (order: string) => ({ sqlite: order, postgres: order });
const of = (kind: ColumnKind, names: string) => Object.fromEntries(names.split(" ").map((name) => [name, kind]));

/** All that is kept. */
export const TABLES: readonly Table[] = [
  {
    name: "keys",
    rows: "keys",
    file: KEYS,
    columns: { id: "text", caller: "text", revoked: "flag", record: "json" },
    // Their order of age is the stores' own.
    order: { sqlite: "rowid", postgres: "position" },
    batch: 500,
  },
  {
    name: "teams",
    rows: "teams",
    file: KEYS,
    columns: { name: "text", record: "json" },
    order: byKey("name"),
    batch: 500,
  },
  {
    name: "sessions",
    rows: "sessions",
    file: TRANSCRIPTS,
    columns: { key: "text", updated_at: "number", record: "json" },
    order: byKey("key"),
    batch: 500,
  },
  {
    name: "messages",
    rows: "messages",
    file: TRANSCRIPTS,
    columns: { session_key: "text", id: "text", seq: "number", record: "json" },
    order: byKey("session_key, id"),
    batch: 16,
  },
  {
    name: "documents",
    rows: "documents (preferences, devices, groups, side chats, waiting messages)",
    file: TRANSCRIPTS,
    columns: { kind: "text", key: "text", value: "json" },
    order: byKey("kind, key"),
    batch: 16,
  },
  {
    name: "streams",
    rows: "streams in the ledger",
    file: LEDGER,
    columns: {
      ...of(
        "text",
        "stream instance caller key_id team face session route model upstream_model outcome code source anomalies",
      ),
      ...of("number", "attempt opened_at closed_at input_tokens output_tokens cache_read_tokens cache_write_tokens"),
      ...of("number", "reasoning_tokens cost_nano counted_tokens counted_nano events bytes"),
      ...of("number", "first_byte_ms first_content_ms first_sent_ms total_ms"),
      is_left: "flag",
    },
    order: { sqlite: "rowid", postgres: "opened_at, stream" },
    batch: 500,
  },
];

/** A row on its way: by column, as JavaScript has it. */
export type CopiedRow = Readonly<Record<string, string | number | boolean | null>>;
