import { writeFileSync } from "node:fs";
import type { BenchCommand } from "./command-line.ts";
import type { BenchDocument } from "./figures/document.ts";
import { warningsOf } from "./figures/warnings.ts";
import { shapeOf } from "./payload/shape.ts";
import { renderReport } from "./report/html.ts";
import { describeMachine, thisMachine } from "./report/machine.ts";
import { methodOf } from "./report/method.ts";
import { renderTables } from "./report/table.ts";
import { ROWS } from "./rows/catalogue.ts";
import { DIRECT, type Row, speaks } from "./rows/row.ts";
import { targetRow } from "./rows/target.ts";
import { runCampaign, secondsFor } from "./runner/campaign.ts";
import { sharesCore } from "./runner/placement.ts";
import { Stage } from "./runner/stage.ts";
import { SCENARIOS } from "./scenarios/catalogue.ts";
import type { Scenario } from "./scenarios/scenario.ts";

/** Runs the requested measurements and reports progress. */
export async function runBench(command: BenchCommand, commandLine: string): Promise<void> {
  const scenarios = pick(SCENARIOS, command.scenarios, "scenario");
  const wanted = rowsFor(command);
  const { settings } = command;
  const { api } = shapeOf(settings.payload);
  const absence = (row: Row) =>
    row.missing?.() ?? (speaks(row, api) ? undefined : `does not relay ${settings.payload}`);
  const rows = wanted.filter((row) => absence(row) === undefined);
  const say = (text: string) => process.stderr.write(text);
  say(`${describeMachine(thisMachine())}\n`);
  for (const row of wanted) say(`  ${row.name.padEnd(10)} ${absence(row) ?? `${row.what} (${row.version()})`}\n`);
  say(`about ${Math.ceil(secondsFor(scenarios, rows, settings) / 60)} min\n\n`);

  const stage = await Stage.open(command.upstreamPort, settings.cpus);
  const startedAt = new Date();
  const showProgress = progressLine();
  const results = await runCampaign(stage, scenarios, rows, settings, {
    progress: (point, run, runs, row) => showProgress(`${point.name} · run ${run} of ${runs} · ${row.name}`),
    scenarioDone: (scenario, found) => {
      showProgress("");
      process.stdout.write(`${scenario.title}\n${renderTables(scenario, found)}\n`);
    },
  }).finally(() => stage.close());

  const document: BenchDocument = {
    format: 1,
    date: startedAt.toISOString(),
    command: commandLine,
    machine: thisMachine(),
    method: methodOf(settings),
    conditions: { payload: settings.payload, cpus: settings.cpus, window: `${settings.windowMs} ms` },
    rows: wanted.map((row) => noteOf(row, absence(row))),
    scenarios: scenarios.map(({ name, title, columns }) => ({ name, title, columns })),
    results,
    warnings: warningsOf(results, sharesCore()),
  };
  if (document.warnings.length > 0) say(`Read with care:\n${document.warnings.map((text) => `  ${text}\n`).join("")}`);
  if (command.json !== undefined) writeFileSync(command.json, `${JSON.stringify(document)}\n`);
  if (command.html !== undefined) writeFileSync(command.html, renderReport(document));
}

function rowsFor({ rows, target, settings }: BenchCommand): readonly Row[] {
  if (!target && rows.length === 0) return ROWS.filter(({ detail }) => !(settings.survey && detail));
  // A row that is named is measured wherever it can be.
  if (!target) return pick(ROWS, rows, "row").map(({ scenarios: _, ...row }) => row);
  const controls = ROWS.filter(({ name }) => name === DIRECT || rows.includes(name));
  return [...controls, targetRow(target)];
}

/** Throws if a name is unknown. */
function pick<T extends Row | Scenario>(all: readonly T[], names: readonly string[], what: string): readonly T[] {
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0)
    throw new Error(`there is no ${what} ${unknown.join(", ")}: ${all.map(({ name }) => name).join(", ")}`);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

const noteOf = (row: Row, missing: string | undefined) => ({
  name: row.name,
  what: row.what,
  version: missing === undefined ? row.version() : "",
  ...(missing !== undefined && { missing }),
});

/** One overwritten line on a terminal; elsewhere one line per first run. */
function progressLine(): (text: string) => void {
  const { stderr } = process;
  if (stderr.isTTY) return (text) => void stderr.write(`\r\x1b[K${text}`);
  return (text) => void (text.includes("run 1 of") && stderr.write(`${text}\n`));
}
