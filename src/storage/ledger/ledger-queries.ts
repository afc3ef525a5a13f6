import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Spent, UsageReport } from "../../core/ledger/ledger.ts";
import { TimeZone } from "../../core/ledger/time-zone.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageGroup, UsageQuery } from "../../core/ledger/usage-query.ts";
import { cellsOf } from "./ledger-cells.ts";
import { LEDGER_FILE } from "./ledger-database.ts";
import { columnText } from "./ledger-rows.ts";
import { HIGHEST_FIRST, lineOf, MAX_LINES, usageColumns } from "./usage-lines.ts";

/** How long a query waits for a writer; with a write-ahead log it hardly ever has to. */
const BUSY_MS = 2_000;

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  day: "strftime('%Y-%m-%d', opened_at / 1000, 'unixepoch')",
  key: "key_id",
  team: "team",
  caller: "caller",
  model: "model",
  route: "route",
  session: "session",
};

/** `total` cannot overflow as `sum` can, and is exact up to 2^53. */
const COLUMNS = usageColumns(
  (column, where) =>
    `iif(count(${column}) FILTER (WHERE ${where}) = 0, NULL, total(${column}) FILTER (WHERE ${where}))`,
);

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
    const rows = this.#connection
      .prepare(
        `SELECT * FROM (SELECT ${group} AS name, ${COLUMNS} FROM streams ${where} GROUP BY 1)
         ORDER BY ${by === "day" ? "1" : `${HIGHEST_FIRST}, 1`} LIMIT ${MAX_LINES + 1}`,
      )
      .all(...given.map(({ value }) => value));
    return {
      by,
      lines: rows.slice(0, MAX_LINES).map((row) => lineOf(row, textOf(row.name))),
      more: rows.length > MAX_LINES,
    };
  }

  /** The same rows in finer groups, for the usage page. */
  cells(query: CellsQuery): UsageCells {
    return cellsOf(this.#connection, query);
  }

  /** What each key has used in ended streams since `wallMs`, but for those in `except` and all their attempts. */
  spentSince(wallMs: number, except: readonly string[]): readonly Spent[] {
    return this.#connection
      .prepare(
        `SELECT key_id, team, total(input_tokens) + total(output_tokens) + total(counted_tokens) AS tokens,
           total(cost_nano) + total(counted_nano) AS cost
         FROM streams WHERE opened_at >= ? AND outcome IS NOT NULL
           AND ${STREAM_OF} NOT IN (SELECT value FROM json_each(?)) GROUP BY key_id, team`,
      )
      .all(wallMs, JSON.stringify(except))
      .map(({ key_id, team, tokens, cost }) => ({
        keyId: textOf(key_id) ?? undefined,
        team: textOf(team) ?? undefined,
        tokens: Number(tokens),
        costNano: Number(cost),
      }));
  }
}

/** The stream of an attempt: further ones are called `stream.2` and so on. */
const STREAM_OF = "substr(stream, 1, instr(stream || '.', '.') - 1)";

const textOf = (value: unknown): string | null => (value === null ? null : String(value));
