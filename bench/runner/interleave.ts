import type { PointResult, RunRecord } from "../figures/record.ts";
import type { Row } from "../rows/row.ts";
import type { Point } from "../scenarios/scenario.ts";
import type { Stage } from "./stage.ts";

/** Called before each run. */
export type Progress = (point: Point, run: number, runs: number, row: Row) => void;

/** Failed runs of a row before it is given up at a point. */
const PATIENCE = 2;

/**
 * Measures all rows at one point, interleaved (A B C A B C), so that changes on the machine affect every row. A failed run is
 * repeated with a new process; a row that keeps failing is reported as failed.
 */
export async function measurePoint(
  stage: Stage,
  point: Point,
  rows: readonly Row[],
  runs: number,
  progress: Progress,
): Promise<Omit<PointResult, "scenario">[]> {
  const suited = rows.filter((row) => point.suits(row));
  const records = new Map<Row, RunRecord[]>(suited.map((row) => [row, []]));
  const failures = new Map<Row, { count: number; why: string }>();
  for (let run = 1; run <= runs; run++) {
    for (const row of suited) {
      const failed = failures.get(row)?.count ?? 0;
      if (failed >= PATIENCE) continue;
      progress(point, run, runs, row);
      try {
        records.get(row)?.push(await point.measure(stage, row));
      } catch (error) {
        failures.set(row, { count: failed + 1, why: error instanceof Error ? error.message : String(error) });
        await stage.retire(row);
      }
    }
  }
  return suited.map((row) => {
    const failure = failures.get(row)?.why;
    const done = records.get(row) ?? [];
    return { point: point.name, row: row.name, runs: done, ...(failure !== undefined && { failure }) };
  });
}
