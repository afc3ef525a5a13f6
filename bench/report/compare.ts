import type { BenchDocument, Column } from "../figures/document.ts";
import type { PointResult } from "../figures/record.ts";
import { type Spread, spreadOf } from "../figures/spread.ts";
import { showSpread } from "./table.ts";

export type Judgement = "same" | "better" | "worse" | "changed";

/** A figure before and after. */
export interface Change {
  readonly scenario: string;
  readonly point: string;
  readonly row: string;
  readonly column: Column;
  readonly before: Spread;
  readonly after: Spread;
  /** Change of the medians, in percent of the earlier one. */
  readonly percent: number;
  readonly judgement: Judgement;
}

/** Every figure that both documents have. Changes with overlapping ranges count as noise. */
export function changesBetween(before: BenchDocument, after: BenchDocument): Change[] {
  return after.results.flatMap((now) => {
    const then = before.results.find(
      ({ scenario, point, row }) => scenario === now.scenario && point === now.point && row === now.row,
    );
    const columns = after.scenarios.find(({ name }) => name === now.scenario)?.columns ?? [];
    return then ? columns.filter(({ overDirect }) => !overDirect).flatMap((column) => changeOf(then, now, column)) : [];
  });
}

/** What both documents were measured with, unless they agree; without a note it was what there was before there were notes. */
export function differencesOf({ conditions: before = FORMER }: BenchDocument, after: BenchDocument): string[] {
  const now = after.conditions ?? FORMER;
  const names = Object.keys(before).filter((name) => now[name] !== undefined && now[name] !== before[name]);
  return names.map((name) => `Different conditions: ${name} was ${before[name]}, then ${now[name]}.`);
}

const FORMER: Readonly<Record<string, string>> = { payload: "fixed", cpus: "core" };

function changeOf(then: PointResult, now: PointResult, column: Column): Change[] {
  const before = spreadOf(then.runs.map(({ metrics }) => metrics[column.metric] ?? Number.NaN));
  const after = spreadOf(now.runs.map(({ metrics }) => metrics[column.metric] ?? Number.NaN));
  if (!before || !after) return [];
  const { scenario, point, row } = now;
  const percent = before.median === 0 ? 0 : ((after.median - before.median) / before.median) * 100;
  return [{ scenario, point, row, column, before, after, percent, judgement: classify(before, after, column) }];
}

function classify(before: Spread, after: Spread, { better }: Column): Judgement {
  if (after.min <= before.max && before.min <= after.max) return "same";
  if (better === undefined) return "changed";
  return after.median > before.median === (better === "more") ? "better" : "worse";
}

const MARKS: Readonly<Record<Judgement, string>> = {
  same: "≈ within the noise",
  better: "better",
  worse: "WORSE",
  changed: "changed",
};

/** The changes as text, with noise marked. */
export function renderChanges(changes: readonly Change[]): string {
  const lines = changes.map(({ scenario, point, row, column, before, after, percent, judgement }) => {
    const scaled = (spread: Spread) => showSpread(scale(spread, column.divisor ?? 1), column.digits);
    const sign = percent > 0 ? "+" : "";
    return [
      `${scenario} · ${point} · ${row}`,
      column.label,
      scaled(before),
      scaled(after),
      `${sign}${percent.toFixed(1)} %`,
      MARKS[judgement],
    ];
  });
  const table = [["", "", "before", "after", "change", ""], ...lines];
  const widths = [0, 1, 2, 3, 4, 5].map((index) => Math.max(...table.map((line) => line[index]?.length ?? 0)));
  return table
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const scale = ({ median, min, max }: Spread, divisor: number): Spread => ({
  median: median / divisor,
  min: min / divisor,
  max: max / divisor,
});
