import type { UsageLine, UsageSums } from "../../core/ledger/ledger.ts";

/** Most groups in one report. */
export const MAX_LINES = 10_000;

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

/** Adds up a column over some rows in a database's SQL: NULL where none of them has a figure, and never an overflow. */
export type SumOf = (column: string, where: string) => string;

/** The columns of a line of the report. */
export const usageColumns = (sumOf: SumOf): string =>
  [
    "count(*) FILTER (WHERE NOT is_left) AS streams",
    ...OUTCOMES.map((outcome) => `count(*) FILTER (WHERE outcome = '${outcome}' AND NOT is_left) AS ${outcome}`),
    "count(*) FILTER (WHERE outcome IS NULL) AS running",
    "count(*) FILTER (WHERE source = 'unknown' AND NOT is_left) AS unknown",
    ...(["exact", "estimated"] as const).flatMap((source) => [
      `count(*) FILTER (WHERE source = '${source}' AND NOT is_left) AS ${source}_streams`,
      ...SUMS.map(([field, column]) => `${sumOf(column, `source = '${source}'`)} AS "${source}_${field}"`),
    ]),
  ].join(", ");

/** The most expensive first, then the one with the most tokens. */
export const HIGHEST_FIRST = (() => {
  const known = (field: string) => `coalesce("${field}", 0)`;
  const cost = ["exact_costNano", "estimated_costNano"].map(known).join(" + ");
  const tokens = ["exact_inputTokens", "exact_outputTokens", "estimated_inputTokens", "estimated_outputTokens"];
  return `${cost} DESC, ${tokens.map(known).join(" + ")} DESC`;
})();

type Row = Readonly<Record<string, unknown>>;

/** A line of the report. `group`: the column's text, read. */
export const lineOf = (row: Row, group: string | null): UsageLine => ({
  group,
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
