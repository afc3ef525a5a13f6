import type { Column, ScenarioNote } from "../figures/document.ts";
import type { PointResult } from "../figures/record.ts";
import { type Spread, spreadOf } from "../figures/spread.ts";

/** A cell as numbers: the column's figure over all runs, relative to `direct` if the column says so. */
export function cellOf(result: PointResult, column: Column, all: readonly PointResult[]): Spread | undefined {
  const values = result.runs.map(({ metrics }) => metrics[column.metric] ?? Number.NaN);
  const spread = spreadOf(values);
  if (!spread) return undefined;
  const base = column.overDirect ? directMedian(result, column, all) : 0;
  if (base === undefined || (column.overDirect && result.row === "direct")) return undefined;
  const scale = (value: number) => (value - base) / (column.divisor ?? 1);
  return { median: scale(spread.median), min: scale(spread.min), max: scale(spread.max) };
}

function directMedian({ point }: PointResult, { metric }: Column, all: readonly PointResult[]): number | undefined {
  const direct = all.find((result) => result.row === "direct" && result.point === point);
  return direct && spreadOf(direct.runs.map(({ metrics }) => metrics[metric] ?? Number.NaN))?.median;
}

const show = (value: number, digits: number): string =>
  value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** `0.42 (0.40–0.47)`: the median of the runs and their spread. */
export function showSpread({ median, min, max }: Spread, digits: number): string {
  const [from, to] = [show(min, digits), show(max, digits)];
  return from === to ? show(median, digits) : `${show(median, digits)} (${from}–${to})`;
}

/** What a table says behind a row's figures: why runs are missing, and by which codes streams were refused or failed. */
export function remarkOf({ failure, runs }: PointResult): string {
  const counts = new Map<string, number>();
  for (const { failures = {} } of runs)
    for (const [reason, count] of Object.entries(failures)) counts.set(reason, (counts.get(reason) ?? 0) + count);
  const refusals = [...counts].map(([reason, count]) => `${reason}: ${count} in ${runs.length} runs`);
  return [...(failure === undefined ? [] : [`failed: ${failure}`]), ...refusals].join("; ");
}

/** The columns that at least one of a point's rows fills. */
export const filledColumns = (columns: readonly Column[], results: readonly PointResult[]): readonly Column[] =>
  columns.filter((column) => results.some((result) => cellOf(result, column, results)));

/** A scenario's tables as text, one per point. */
export function renderTables(scenario: ScenarioNote, results: readonly PointResult[]): string {
  const points = [...new Set(results.map(({ point }) => point))];
  return points.map((point) => renderPoint(scenario, point, results)).join("\n");
}

function renderPoint(scenario: ScenarioNote, point: string, all: readonly PointResult[]): string {
  const results = all.filter((result) => result.point === point);
  const columns = filledColumns(scenario.columns, results);
  const rows = results.map((result) => [
    result.row,
    ...columns.map((column) => {
      const cell = cellOf(result, column, results);
      return cell ? showSpread(cell, column.digits) : "";
    }),
    remarkOf(result),
  ]);
  const lines = [["", ...columns.map(({ label }) => label), ""], ...rows];
  const widths = lines[0]?.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0))) ?? [];
  const text = lines.map((line) =>
    line
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `  ${point}\n${text.map((line) => `    ${line}`).join("\n")}\n`;
}
