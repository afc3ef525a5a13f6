import { AIMS } from "../report/aims.ts";
import { DIRECT } from "../rows/row.ts";
import { cold } from "./cold.ts";
import type { Point, Scenario } from "./scenario.ts";
import { start } from "./start.ts";
import { unthrottled } from "./unthrottled.ts";

const SOURCES: readonly Scenario[] = [cold, unthrottled, start];

/** Rows that an aim is judged by: its own, and what it is compared with. */
function rowsFor(point: string): ReadonlySet<string> {
  const aims = AIMS.filter((aim) => aim.point === point);
  const compared = aims.flatMap(({ limit, overDirect }) => [
    ...("timesFloor" in limit || overDirect ? ["floor"] : []),
    // What the harness itself can do, where nothing else limits the rate.
    ...("least" in limit || overDirect ? [DIRECT, "floor"] : []),
  ]);
  return new Set([...aims.map(({ row }) => row), ...compared]);
}

/** The points of other scenarios that have aims, with only the rows that these need: what a change is judged by, in minutes. */
export const aims: Scenario = {
  name: "aims",
  title: "Aims: the points that have one, with the rows that it needs",
  columns: columns(),
  points: (settings) => {
    // A survey has no time for them; the full scenarios measure these points for all rows.
    if (settings.survey) return [];
    const points = SOURCES.flatMap((scenario) => scenario.points(settings));
    return points.filter(({ name }) => AIMS.some((aim) => aim.point === name)).map(narrowed);
  },
};

function narrowed(point: Point): Point {
  const rows = rowsFor(point.name);
  return { ...point, suits: (row) => rows.has(row.name) && point.suits(row) };
}

/** All the sources' columns, each once. */
function columns(): Scenario["columns"] {
  const all = SOURCES.flatMap((scenario) => scenario.columns);
  return all.filter((column, index) => all.findIndex(({ label }) => label === column.label) === index);
}
