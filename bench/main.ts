import { writeFileSync } from "node:fs";
import { readCommandLine } from "./command-line.ts";
import type { PointResult } from "./figures/record.ts";
import { renderTables } from "./report/table.ts";
import { ROWS } from "./rows/catalogue.ts";
import { measurePoint } from "./runner/interleave.ts";
import { Stage } from "./runner/stage.ts";
import { SCENARIOS } from "./scenarios/catalogue.ts";

const command = readCommandLine(process.argv.slice(2));
const scenarios = SCENARIOS.filter(({ name }) => command.scenarios.length === 0 || command.scenarios.includes(name));
const rows = ROWS.filter(({ name }) => command.rows.length === 0 || command.rows.includes(name));

const stage = await Stage.open();
const done = new Map<string, PointResult[]>();
for (const scenario of scenarios) {
  const results: PointResult[] = [];
  for (const point of scenario.points(command.settings)) {
    const runs = point.runs ?? command.settings.runs;
    const measured =
      done.get(point.id) ??
      (await measurePoint(stage, scenario.name, point, rows, runs, (_, run, of, row) => {
        process.stderr.write(`\r\x1b[K${scenario.name} · ${point.name} · run ${run} of ${of} · ${row.name}`);
      }));
    done.set(point.id, measured);
    results.push(...measured.map((result) => ({ ...result, scenario: scenario.name })));
  }
  process.stderr.write("\r\x1b[K");
  process.stdout.write(`\n${scenario.title}\n${renderTables(scenario, results)}`);
}
await stage.close();
if (command.json) writeFileSync(command.json, JSON.stringify([...done.values()].flat(), undefined, 1));
process.exit();
