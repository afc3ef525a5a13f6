import type { Column } from "../figures/document.ts";
import type { RunRecord } from "../figures/record.ts";
import type { Row } from "../rows/row.ts";
import type { Stage } from "../runner/stage.ts";

/** What the command line asked for. */
export interface Settings {
  /** Everything was asked for: less of each will do. */
  readonly survey: boolean;
  readonly runs: number;
  readonly windowMs: number;
  /** Replace the scenario's own points by one. */
  readonly streams: number | undefined;
  readonly rate: number | undefined;
}

/** One condition, measured for every row. Points of the same id are measured once and shown wherever they belong. */
export interface Point {
  readonly id: string;
  readonly name: string;
  /** Rows that cannot do it are left out. */
  readonly suits: (row: Row) => boolean;
  /** About how long one run takes, in seconds. */
  readonly seconds: number;
  /** Runs instead of the settings', for points of which one run says enough. */
  readonly runs?: number;
  measure(stage: Stage, row: Row): Promise<RunRecord>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  points(settings: Settings): readonly Point[];
}

/** For points of which fewer runs say enough. */
export const fewRuns = ({ runs, survey }: Settings): number => (survey ? 1 : Math.ceil(runs / 2));
