import type { PointResult } from "../figures/record.ts";
import type { Row } from "../rows/row.ts";
import type { Point, Scenario, Settings } from "../scenarios/scenario.ts";
import { measurePoint, type Progress } from "./interleave.ts";
import type { Stage } from "./stage.ts";

/** Receives results, scenario by scenario. */
export interface Audience {
  readonly progress: Progress;
  readonly scenarioDone: (scenario: Scenario, results: readonly PointResult[]) => void;
}

const runsOf = (point: Point, { runs }: Settings): number => point.runs ?? runs;

const rowsIn = ({ name }: Scenario, rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ scenarios }) => scenarios === undefined || scenarios.includes(name));

/** About how long a campaign takes, in seconds. */
export function secondsFor(scenarios: readonly Scenario[], rows: readonly Row[], settings: Settings): number {
  const measured = new Set<string>();
  let seconds = 0;
  for (const scenario of scenarios) {
    for (const point of scenario.points(settings).filter(({ id }) => !measured.has(id))) {
      measured.add(point.id);
      seconds += point.seconds * rowsIn(scenario, rows).filter(point.suits).length * runsOf(point, settings);
    }
  }
  return seconds;
}

/** Measures one scenario after another. A point shared by several is measured once. */
export async function runCampaign(
  stage: Stage,
  scenarios: readonly Scenario[],
  rows: readonly Row[],
  settings: Settings,
  audience: Audience,
): Promise<PointResult[]> {
  const measured = new Map<string, Omit<PointResult, "scenario">[]>();
  const all: PointResult[] = [];
  for (const scenario of scenarios) {
    const results: PointResult[] = [];
    for (const point of scenario.points(settings)) {
      const known =
        measured.get(point.id) ??
        (await measurePoint(stage, point, rowsIn(scenario, rows), runsOf(point, settings), audience.progress));
      measured.set(point.id, known);
      results.push(...known.map((result) => ({ ...result, scenario: scenario.name })));
    }
    audience.scenarioDone(scenario, results);
    all.push(...results);
  }
  return all;
}
