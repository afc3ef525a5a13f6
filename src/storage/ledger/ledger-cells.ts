import type { DatabaseSync } from "node:sqlite";
import type { CellsQuery, StreamLatency, UsageCell, UsageCells } from "../../core/ledger/usage-cells.ts";
import { columnText } from "./ledger-rows.ts";

/** Most cells, and most latencies of single streams, in one result. */
export const MAX_CELLS = 20_000;
export const MAX_LATENCIES = 10_000;

const DAY = "strftime('%Y-%m-%d', (opened_at + ?) / 1000, 'unixepoch')";
const CACHED = "ifnull(cache_read_tokens, 0) + ifnull(cache_write_tokens, 0)";

const CELL = `
  count(*) FILTER (WHERE NOT is_left) AS streams,
  count(*) FILTER (WHERE outcome IN ('failed', 'lost') AND NOT is_left) AS failed,
  total(max(0, ifnull(input_tokens, 0) - (${CACHED}))) AS input,
  total(output_tokens) AS output,
  total(cache_read_tokens) AS cache_read,
  total(cache_write_tokens) AS cache_write,
  total(cost_nano) AS cost,
  count(*) FILTER (WHERE cost_nano IS NULL AND (input_tokens > 0 OR output_tokens > 0)) AS unpriced,
  min(opened_at) AS first_at,
  max(opened_at) AS last_at`;

/** Groups committed rows into cells: one per day, session, route and model. Blocking. */
export function cellsOf(connection: DatabaseSync, query: CellsQuery): UsageCells {
  const { since, until, caller, session } = query;
  const given = [
    { condition: "opened_at >= ?", value: since },
    { condition: "opened_at < ?", value: until },
    ...(caller === undefined ? [] : [{ condition: "caller = ?", value: columnText(caller) }]),
    ...(session === undefined ? [] : [{ condition: "session = ?", value: columnText(session) }]),
  ];
  const where = given.map(({ condition }) => condition).join(" AND ");
  const values = [query.utcOffsetMinutes * 60_000, ...given.map(({ value }) => value)];
  const cells = connection
    .prepare(
      `SELECT ${DAY} AS day, session, route, model, ${CELL} FROM streams WHERE ${where}
       GROUP BY 1, session, route, model ORDER BY 1 DESC, input + output DESC LIMIT ${MAX_CELLS}`,
    )
    .all(...values);
  const latencies = connection
    .prepare(
      `SELECT ${DAY} AS day, session, total_ms FROM streams WHERE ${where} AND outcome = 'completed'
       ORDER BY opened_at DESC LIMIT ${MAX_LATENCIES}`,
    )
    .all(...values);
  return { cells: cells.map(cellOf), latencies: latencies.map(latencyOf) };
}

type Row = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | null => (value === null ? null : String(value));

/** A cell from its columns, whose texts have been read. */
export const cellOf = (row: Row): UsageCell => ({
  day: String(row.day),
  session: textOf(row.session),
  route: String(row.route),
  model: textOf(row.model),
  streams: Number(row.streams),
  failed: Number(row.failed),
  input: Number(row.input),
  output: Number(row.output),
  cacheRead: Number(row.cache_read),
  cacheWrite: Number(row.cache_write),
  costNano: Number(row.cost),
  unpriced: Number(row.unpriced),
  firstAt: Number(row.first_at),
  lastAt: Number(row.last_at),
});

/** A latency from its columns, whose texts have been read. */
export const latencyOf = (row: Row): StreamLatency => ({
  day: String(row.day),
  session: textOf(row.session),
  totalMs: Number(row.total_ms),
});
