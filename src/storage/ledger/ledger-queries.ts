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

/** Groups of one report. */
const MAX_LINES = 10_000;

/** How long a question waits for a writer; readers of a write-ahead log hardly ever do. */
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

/** Fields of the sums and the columns they add up. */
const SUMS = [
  ["inputTokens", "input_tokens"],
  ["outputTokens", "output_tokens"],
  ["cacheReadTokens", "cache_read_tokens"],
  ["cacheWriteTokens", "cache_write_tokens"],
  ["reasoningTokens", "reasoning_tokens"],
  ["costNano", "cost_nano"],
] as const;

/** `total` cannot overflow as `sum` can; it is whole up to 2^53 all the same. */
const sums = (source: "exact" | "estimated"): string => {
  const where = `FILTER (WHERE source = '${source}')`;
  const each = SUMS.map(
    ([field, column]) => `iif(count(${column}) ${where} = 0, NULL, total(${column}) ${where}) AS ${source}_${field}`,
  );
  return [`count(*) ${where} AS ${source}_streams`, ...each].join(", ");
};

const COLUMNS = [
  "count(*) AS streams",
  ...OUTCOMES.map((outcome) => `count(*) FILTER (WHERE outcome = '${outcome}') AS ${outcome}`),
  "count(*) FILTER (WHERE outcome IS NULL) AS running",
  "count(*) FILTER (WHERE source = 'unknown') AS unknown",
  sums("exact"),
  sums("estimated"),
].join(", ");

type Row = Readonly<Record<string, unknown>>;

/** The ledger's committed rows as questions find them. Blocking: with a file it lives in a thread or a command. */
export class LedgerQueries {
  readonly #connection: DatabaseSync;

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  /**
   * Opens a ledger to read it, also while gateways write it: each answer is of one moment. Undefined when there is none.
   * Throws when it cannot be read.
   */
  static open(directory: string): (LedgerQueries & Disposable) | undefined {
    const file = join(directory, LEDGER_FILE);
    if (!existsSync(file)) return undefined;
    const connection = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    return Object.assign(new LedgerQueries(connection), { [Symbol.dispose]: () => connection.close() });
  }

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

  cells(query: CellsQuery): UsageCells {
    return cellsOf(this.#connection, query);
  }

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
