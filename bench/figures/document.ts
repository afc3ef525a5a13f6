import type { PointResult } from "./record.ts";

/** What was measured, in what, and how. */
export interface BenchDocument {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly method: readonly string[];
  readonly rows: readonly RowNote[];
  readonly scenarios: readonly ScenarioNote[];
  readonly results: readonly PointResult[];
  /** Where a figure must be read with care, and why. */
  readonly warnings: readonly string[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export interface RowNote {
  readonly name: string;
  readonly what: string;
  readonly version: string;
  readonly missing?: string;
}

export interface ScenarioNote {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
}

/** A column of a table. */
export interface Column {
  readonly metric: string;
  readonly label: string;
  readonly digits: number;
  /** Divides the metric, so that microseconds can be shown as milliseconds. */
  readonly divisor?: number;
  /** Which way is better; without one a change is only a change. */
  readonly better?: "more" | "less";
  /** Shown as what it is above the row `direct`. */
  readonly overDirect?: boolean;
}
