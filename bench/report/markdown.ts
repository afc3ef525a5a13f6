import type { BenchDocument, Column, ScenarioNote } from "../figures/document.ts";
import type { PointResult } from "../figures/record.ts";
import { aimsIn } from "./aims.ts";
import { describeMachine } from "./machine.ts";
import { cellOf, filledColumns, remarkOf, showSpread } from "./table.ts";

/** The results as Markdown with their date, machine and command, for a README: the aims first, then each point's table. */
export function renderMarkdown(document: BenchDocument): string {
  const { date, command, machine, method, scenarios, warnings } = document;
  const tables = scenarios.flatMap((scenario) => [`### ${scenario.title}`, ...tablesOf(scenario, document.results)]);
  return `${[
    `Measured on ${date.slice(0, 10)} with \`${command}\`: ${describeMachine(machine)}. ${method[1] ?? ""}.`,
    ...aimTable(document.results),
    ...tables,
    ...(warnings.length === 0 ? [] : ["Read with care:", warnings.map((text) => `- ${text}`).join("\n")]),
  ].join("\n\n")}\n`;
}

function aimTable(results: readonly PointResult[]): string[] {
  const found = aimsIn(results);
  if (found.length === 0) return [];
  const lines = found.map(({ aim, sluice, base, ratio, reached }) => [
    aim.what,
    `${showSpread(sluice, aim.digits)}${ratio === undefined ? "" : ` = ${ratio.toFixed(2)} x`}`,
    base === undefined ? "" : showSpread(base, aim.digits),
    aim.text,
    reached ? "reached" : "**not reached**",
  ]);
  return [table([["", "sluice", "floor", "aim", ""], ...lines])];
}

function tablesOf({ name, columns }: ScenarioNote, all: readonly PointResult[]): string[] {
  const results = all.filter(({ scenario }) => scenario === name);
  const points = [...new Set(results.map(({ point }) => point))];
  return points.flatMap((point) => {
    const here = results.filter((result) => result.point === point);
    const shown = filledColumns(columns, here);
    const lines = here.map((result) => [
      result.row,
      ...shown.map((column) => cell(result, column, here)),
      remarkOf(result),
    ]);
    const remarked = lines.some((line) => line.at(-1) !== "");
    const head = ["", ...shown.map(({ label }) => label), ""];
    return [`${point}:`, table([head, ...lines].map((line) => (remarked ? line : line.slice(0, -1))))];
  });
}

function cell(result: PointResult, column: Column, all: readonly PointResult[]): string {
  const spread = cellOf(result, column, all);
  return spread ? showSpread(spread, column.digits) : "";
}

function table(lines: readonly (readonly string[])[]): string {
  const [head = [], ...rows] = lines;
  const widths = head.map((_, index) => Math.max(3, ...lines.map((line) => line[index]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width));
  const show = (line: readonly string[]) =>
    `| ${line.map((text, index) => text.padEnd(widths[index] ?? 0)).join(" | ")} |`;
  return [show(head), show(rule), ...rows.map(show)].join("\n");
}
