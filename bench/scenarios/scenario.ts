import type { Column } from "../figures/document.ts";
import type { RunRecord } from "../figures/record.ts";
import { DEFAULT_PLAN, type Plan } from "../payload/plan.ts";
import type { PayloadName } from "../payload/shape.ts";
import type { Row } from "../rows/row.ts";
import type { Cpus } from "../runner/placement.ts";
import type { Stage } from "../runner/stage.ts";

/** The command line's request. */
export interface Settings {
  /** A survey: everything was requested, so less of each is enough. */
  readonly survey: boolean;
  readonly runs: number;
  readonly windowMs: number;
  /** Replaces the scenario's own points with one. */
  readonly streams: number | undefined;
  readonly rate: number | undefined;
  /** How events look. */
  readonly payload: PayloadName;
  /** The CPUs that a gateway gets. */
  readonly cpus: Cpus;
}

/** One condition, measured for every row. Points with the same id are measured once and shown in each scenario. */
export interface Point {
  readonly id: string;
  readonly name: string;
  /** Rows that cannot do it are omitted. */
  readonly suits: (row: Row) => boolean;
  /** About how long one run takes, in seconds. */
  readonly seconds: number;
  /** Overrides the number of runs, for points where one run is enough. */
  readonly runs?: number;
  measure(stage: Stage, row: Row): Promise<RunRecord>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  points(settings: Settings): readonly Point[];
}

/** A plan with the payload that was asked for. */
export const planOf = ({ payload }: Settings, more: Partial<Plan>): Plan => ({ ...DEFAULT_PLAN, payload, ...more });

/** For points where fewer runs are enough. */
export const fewRuns = ({ runs, survey }: Settings): number => (survey ? 1 : Math.ceil(runs / 2));
