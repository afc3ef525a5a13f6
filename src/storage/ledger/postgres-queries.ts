import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Spent, UsageReport } from "../../core/ledger/ledger.ts";
import { TimeZone } from "../../core/ledger/time-zone.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageGroup, UsageQuery } from "../../core/ledger/usage-query.ts";
import type { PostgresOptions } from "../postgres/connection.ts";
import { PostgresDatabase, type Row } from "../postgres/database.ts";
import { stateOf } from "../postgres/outage.ts";
import { fromColumn, toColumn } from "../postgres/values.ts";
import { cellOf, latencyOf, MAX_CELLS, MAX_LATENCIES } from "./ledger-cells.ts";
import { columnText } from "./ledger-rows.ts";
import { HIGHEST_FIRST, lineOf, MAX_LINES, usageColumns } from "./usage-lines.ts";

/** How long a question may take: adding up years takes seconds. */
const QUESTION_MS = 120_000;

/** PostgreSQL's code for a table that does not exist. */
const UNDEFINED_TABLE = "42P01";
/** How long closing waits for a question that was given up. */
const CLOSE_MS = 1_000;

const DAY_MS = 86_400_000;
/** Days whose beginnings are looked up in one turn of the event loop, about 50 µs each. */
const DAYS_A_TURN = 16;

const dayOf = (milliseconds: string): string =>
  `to_char(to_timestamp((${milliseconds}) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  day: dayOf("opened_at"),
  key: "key_id",
  team: "team",
  caller: "caller",
  model: "model",
  route: "route",
  session: "session",
};

/** A sum of 64-bit integers is a decimal, which cannot overflow. */
const COLUMNS = usageColumns((column, where) => `sum(${column}) FILTER (WHERE ${where})`);

const CACHED = "coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)";
const CELL = `
  count(*) FILTER (WHERE NOT is_left) AS streams,
  count(*) FILTER (WHERE outcome IN ('failed', 'lost') AND NOT is_left) AS failed,
  coalesce(sum(greatest(0, coalesce(input_tokens, 0) - (${CACHED}))), 0) AS input,
  coalesce(sum(output_tokens), 0) AS output,
  coalesce(sum(cache_read_tokens), 0) AS cache_read,
  coalesce(sum(cache_write_tokens), 0) AS cache_write,
  coalesce(sum(cost_nano), 0) AS cost,
  count(*) FILTER (WHERE cost_nano IS NULL AND (input_tokens > 0 OR output_tokens > 0)) AS unpriced,
  min(opened_at) AS first_at,
  max(opened_at) AS last_at`;

/** The rows asked for: a condition, and the values of its parameters. */
interface Asked {
  readonly where: string;
  readonly values: readonly unknown[];
}

/**
 * Asks the ledger in PostgreSQL one question, for a command. Changes nothing there. Rejects with `bad_request`, or with
 * `ledger_unavailable` when there is no ledger or it cannot be read.
 */
export async function askPostgres(options: PostgresOptions, query: UsageQuery): Promise<UsageReport> {
  const database = new PostgresDatabase(options);
  try {
    return await new PostgresQueries(database).usage(query);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    if (stateOf(cause) !== UNDEFINED_TABLE) throw database.unusable(cause, "ledger_unavailable");
    const place = `in the schema ${options.schema} of PostgreSQL at ${database.place}`;
    throw new GatewayError("ledger_unavailable", `there is no ledger ${place}`, { cause });
  } finally {
    await database.close(CLOSE_MS);
  }
}

/** Questions about the ledger's committed rows in PostgreSQL. Each sees one moment. Rejects with the driver's errors. */
export class PostgresQueries {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  /** Sums per group, the most expensive first; days in order. Throws `bad_request` for an unknown time zone. */
  async usage(query: UsageQuery): Promise<UsageReport> {
    const { by, since, until, caller, timeZone } = query;
    const zone = by === "day" && timeZone !== undefined ? new TimeZone(timeZone) : undefined;
    const { where, values } = asked([
      ["opened_at >= ", whole(since)],
      ["opened_at < ", whole(until)],
      ["caller = ", caller === undefined ? undefined : toColumn(columnText(caller))],
    ]);
    const days = zone && (await this.#daysOf(zone, { where, values }));
    const [starts, names] = [values.length + 1, values.length + 2].map((place) => `$${place}`);
    const group = days ? `(${names}::text[])[width_bucket(opened_at, ${starts}::bigint[])]` : GROUPS[by];
    const rows = await this.#ask(
      `SELECT * FROM (SELECT ${group} AS name, ${COLUMNS} FROM streams WHERE ${where} GROUP BY 1) AS grouped
       ORDER BY ${by === "day" ? "" : `${HIGHEST_FIRST}, `}name NULLS FIRST LIMIT ${MAX_LINES + 1}`,
      [...values, ...(days ? [days.map(({ startsAt }) => startsAt), days.map(({ day }) => day)] : [])],
    );
    return {
      by,
      lines: rows.slice(0, MAX_LINES).map((row) => lineOf(row, textOf(row.name))),
      more: rows.length > MAX_LINES,
    };
  }

  /** The same rows in finer groups: one per day, session, route and model. */
  async cells({ since, until, caller, session, utcOffsetMinutes }: CellsQuery): Promise<UsageCells> {
    const { where, values } = asked([
      ["opened_at >= ", whole(since)],
      ["opened_at < ", whole(until)],
      ["caller = ", caller === undefined ? undefined : toColumn(columnText(caller))],
      ["session = ", session === undefined ? undefined : toColumn(columnText(session))],
    ]);
    const day = dayOf(`opened_at + $${values.length + 1}::bigint`);
    const all = [...values, utcOffsetMinutes * 60_000];
    const cells = await this.#ask(
      `SELECT * FROM (SELECT ${day} AS day, session, route, model, ${CELL} FROM streams WHERE ${where}
         GROUP BY 1, session, route, model) AS grouped
       ORDER BY day DESC, input + output DESC LIMIT ${MAX_CELLS}`,
      all,
    );
    const latencies = await this.#ask(
      `SELECT ${day} AS day, session, total_ms FROM streams WHERE ${where} AND outcome = 'completed'
       ORDER BY opened_at DESC LIMIT ${MAX_LATENCIES}`,
      all,
    );
    return { cells: cells.map((row) => cellOf(read(row))), latencies: latencies.map((row) => latencyOf(read(row))) };
  }

  /**
   * What each key has used since `wallMs`, but for the streams in `except` and all their attempts. Of streams that other runs
   * have open, their prompts count: a dead one's rows are closed later. `instance`: this run.
   */
  async spentSince(wallMs: number, instance: string, except: readonly string[]): Promise<readonly Spent[]> {
    const rows = await this.#ask(
      `SELECT key_id, team,
         coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) + coalesce(sum(counted_tokens), 0) AS tokens,
         coalesce(sum(cost_nano), 0) + coalesce(sum(counted_nano), 0) AS cost
       FROM streams WHERE opened_at >= $1 AND (outcome IS NOT NULL OR instance <> $2)
         AND split_part(stream, '.', 1) <> ALL($3::text[]) GROUP BY key_id, team`,
      [Math.round(wallMs), instance, except],
    );
    const named = (name: unknown) => (name === null ? undefined : fromColumn(String(name)));
    return rows.map(({ key_id, team, tokens, cost }) => ({
      keyId: named(key_id),
      team: named(team),
      tokens: Number(tokens),
      costNano: Number(cost),
    }));
  }

  /** When each day of a zone begins on which, or beside which, there are rows; in order. */
  async #daysOf(zone: TimeZone, { where, values }: Asked) {
    const found = await this.#ask(`SELECT DISTINCT opened_at / ${DAY_MS} AS day FROM streams WHERE ${where}`, values);
    const days = new Set(found.flatMap(({ day }) => [-1, 0, 1].map((beside) => Number(day) + beside)));
    const starts: { readonly day: string; readonly startsAt: number }[] = [];
    for (const each of days) {
      const day = new Date(each * DAY_MS).toISOString().slice(0, 10);
      starts.push({ day, startsAt: zone.startOf(day) });
      if (starts.length % DAYS_A_TURN === 0) await setImmediate();
    }
    return starts.sort((a, b) => a.startsAt - b.startsAt);
  }

  #ask(statement: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#database.inTransaction((query) => query(statement, values), QUESTION_MS);
  }
}

/** All the conditions whose value is given. */
function asked(conditions: readonly (readonly [condition: string, value: unknown])[]): Asked {
  const given = conditions.filter(([, value]) => value !== undefined);
  const texts = given.map(([condition], index) => `${condition}$${index + 1}`);
  return { where: texts.join(" AND ") || "true", values: given.map(([, value]) => value) };
}

/** The column's times are whole: none lies between a moment and the next whole millisecond. */
const whole = (wallMs: number | undefined): number | undefined =>
  wallMs === undefined ? undefined : Math.ceil(wallMs);

const textOf = (value: unknown): string | null => (typeof value === "string" ? fromColumn(value) : null);

/** A row with its texts read. */
const read = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "string" ? fromColumn(value) : value]),
  );
