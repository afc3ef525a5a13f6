import type { BenchDocument, ScenarioNote } from "../figures/document.ts";
import type { PointResult } from "../figures/record.ts";
import { chartsOf } from "./charts.ts";
import { describeMachine } from "./machine.ts";
import { STYLE } from "./style.ts";
import { cellOf, filledColumns, remarkOf, showSpread } from "./table.ts";
import { escapeText } from "./text.ts";

/** The report as one self-contained file without scripts. */
export function renderReport(document: BenchDocument): string {
  const { date, command, machine, method, rows, scenarios, warnings } = document;
  const rowLines = rows.map(
    ({ name, what, version, missing }) =>
      `<tr><th>${escapeText(name)}</th><td>${escapeText(what)}</td><td>${escapeText(missing ?? version)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sluice benchmark ${escapeText(date)}</title><style>${STYLE}</style></head><body>
<h1>Sluice benchmark</h1>
<p>${escapeText(date)} · ${escapeText(describeMachine(machine))}<br><code>${escapeText(command)}</code></p>
${list("Read with care", warnings)}
${scenarios.map((scenario) => renderScenario(scenario, document)).join("\n")}
<h2>Rows</h2><div class="wide"><table>${rowLines.join("")}</table></div>
${list("Method", method)}
</body></html>
`;
}

const list = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `<h2>${title}</h2><ul>${lines.map((line) => `<li>${escapeText(line)}</li>`).join("")}</ul>`;

function renderScenario(scenario: ScenarioNote, document: BenchDocument): string {
  const results = document.results.filter((result) => result.scenario === scenario.name);
  const points = [...new Set(results.map(({ point }) => point))];
  return `<h2>${escapeText(scenario.title)}</h2>
${chartsOf(scenario.name, document)}
${points.map((point) => renderPoint(scenario, point, results)).join("\n")}`;
}

function renderPoint(scenario: ScenarioNote, point: string, all: readonly PointResult[]): string {
  const results = all.filter((result) => result.point === point);
  const columns = filledColumns(scenario.columns, results);
  const head = columns.map(({ label }) => `<th>${escapeText(label)}</th>`).join("");
  const lines = results.map((result) => {
    const cells = columns.map((column) => {
      const cell = cellOf(result, column, results);
      return `<td>${cell ? showSpread(cell, column.digits) : ""}</td>`;
    });
    return `<tr><th>${escapeText(result.row)}</th>${cells.join("")}<td>${escapeText(remarkOf(result))}</td></tr>`;
  });
  return `<h3>${escapeText(point)}</h3><div class="wide"><table><tr><th></th>${head}</tr>${lines.join("")}</table></div>`;
}
