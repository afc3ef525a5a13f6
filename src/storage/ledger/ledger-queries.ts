import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Spent, UsageLine, UsageReport, UsageSums } from "../../core/ledger/ledger.ts";
import { TimeZone } from "../../core/ledger/time-zone.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageGroup, UsageQuery } from "../../core/ledger/usage-query.ts";
import { cellsOf } from "./ledger-cells.ts";
import { LEDGER_FILE } from "./ledger-database.ts";
import { columnText } from "./ledger-rows.ts";

/** Most groups in one report. */
const MAX_LINES = 10_000;

/** How long a query waits for a writer; with a write-ahead log it hardly ever has to. */
const BUSY_MS = 2_000;

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  day: "strftime('%Y-%m-%d', opened_at / 1000, 'unixepoch')",
  key: "key_id",
  caller: "caller",
  model: "model",
  route: "route",
  session: "session",
};

const OUTCOMES = ["completed", "failed", "cancelled", "lost"] as const;

/** The report's sums, and the column each adds up. */
const SUMS = [
  ["inputTokens", "input_tokens"],
  ["outputTokens", "output_tokens"],
  ["cacheReadTokens", "cache_read_tokens"],
  ["cacheWriteTokens", "cache_write_tokens"],
  ["reasoningTokens", "reasoning_tokens"],
  ["costNano", "cost_nano"],
] as const;

/** `total` cannot overflow as `sum` can, and is exact up to 2^53. */
const sums = (source: "exact" | "estimated"): string => {
  const where = `FILTER (WHERE source = '${source}')`;
  const streams = `count(*) FILTER (WHERE source = '${source}' AND NOT is_left)`;
  const each = SUMS.map(
    ([field, column]) => `iif(count(${column}) ${where} = 0, NULL, total(${column}) ${where}) AS ${source}_${field}`,
  );
  return [`${streams} AS ${source}_streams`, ...each].join(", ");
};

const COLUMNS = [
  "count(*) FILTER (WHERE NOT is_left) AS streams",
  ...OUTCOMES.map((outcome) => `count(*) FILTER (WHERE outcome = '${outcome}' AND NOT is_left) AS ${outcome}`),
  "count(*) FILTER (WHERE outcome IS NULL) AS running",
  "count(*) FILTER (WHERE source = 'unknown' AND NOT is_left) AS unknown",
  sums("exact"),
  sums("estimated"),
].join(", ");

type Row = Readonly<Record<string, unknown>>;

/** Queries over the ledger's committed rows. Blocking: with a file they run in a thread or a command. */
export class LedgerQueries {
  readonly #connection: DatabaseSync;

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  /**
   * Opens a ledger for reading, even while gateways write it; each query sees one snapshot. Returns undefined when the
   * directory has no ledger. Throws when it cannot be read.
   */
  static open(directory: string): (LedgerQueries & Disposable) | undefined {
    const file = join(directory, LEDGER_FILE);
    if (!existsSync(file)) return undefined;
    const connection = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    return Object.assign(new LedgerQueries(connection), { [Symbol.dispose]: () => connection.close() });
  }

  /** Sums per group, the most expensive first; days in order. */
  usage({ by, since, until, caller, timeZone }: UsageQuery): UsageReport {
    if (timeZone !== undefined) {
      const zone = new TimeZone(timeZone);
      this.#connection.function("day_there", { deterministic: true }, (openedAt) => zone.dayOf(Number(openedAt)));
    }
    const group = by === "day" && timeZone !== undefined ? "day_there(opened_at)" : GROUPS[by];
    const asked = [
      ["opened_at >= ?", since],
      ["opened_at < ?", until],
      ["caller = ?", caller === undefined ? undefined : columnText(caller)],
    ] as const;
    const given = asked.flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
    const where = given.length === 0 ? "" : `WHERE ${given.map(({ condition }) => condition).join(" AND ")}`;
    const cost = "ifnull(exact_costNano, 0) + ifnull(estimated_costNano, 0)";
    const tokens = ["exact_inputTokens", "exact_outputTokens", "estimated_inputTokens", "estimated_outputTokens"];
    const highest = `${cost} DESC, ${tokens.map((column) => `ifnull(${column}, 0)`).join(" + ")} DESC, 1`;
    const rows = this.#connection
      .prepare(
        `SELECT * FROM (SELECT ${group} AS name, ${COLUMNS} FROM streams ${where} GROUP BY 1)
         ORDER BY ${by === "day" ? "1" : highest} LIMIT ${MAX_LINES + 1}`,
      )
      .all(...given.map(({ value }) => value));
    return { by, lines: rows.slice(0, MAX_LINES).map(lineOf), more: rows.length > MAX_LINES };
  }

  /** The same rows in finer groups, for the usage page. */
  cells(query: CellsQuery): UsageCells {
    return cellsOf(this.#connection, query);
  }

  /** What each key has used since `wallMs`, running streams' counted prompts included. */
  spentSince(wallMs: number): readonly Spent[] {
    return this.#connection
      .prepare(
        `SELECT key_id, total(input_tokens) + total(output_tokens) + total(counted_tokens) AS tokens,
           total(cost_nano) + total(counted_nano) AS cost
         FROM streams WHERE opened_at >= ? AND key_id IS NOT NULL AND outcome IS NOT NULL GROUP BY key_id`,
      )
      .all(wallMs)
      .map(({ key_id, tokens, cost }) => ({
        keyId: String(key_id),
        tokens: Number(tokens),
        costNano: Number(cost),
      }));
  }
}

const lineOf = (row: Row): UsageLine => ({
  group: row.name === null ? null : String(row.name),
  streams: Number(row.streams),
  completed: Number(row.completed),
  failed: Number(row.failed),
  cancelled: Number(row.cancelled),
  lost: Number(row.lost),
  open: Number(row.running),
  exact: sumsOf(row, "exact"),
  estimated: sumsOf(row, "estimated"),
  unknown: Number(row.unknown),
});

function sumsOf(row: Row, source: "exact" | "estimated"): UsageSums {
  const figure = (field: string) => {
    const value = row[`${source}_${field}`];
    return value === null || value === undefined ? null : Number(value);
  };
  return {
    streams: Number(row[`${source}_streams`]),
    inputTokens: figure("inputTokens"),
    outputTokens: figure("outputTokens"),
    cacheReadTokens: figure("cacheReadTokens"),
    cacheWriteTokens: figure("cacheWriteTokens"),
    reasoningTokens: figure("reasoningTokens"),
    costNano: figure("costNano"),
  };
}
