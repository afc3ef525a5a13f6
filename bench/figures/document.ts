import type { PointResult } from "./record.ts";

/** The results, the machine and the method. */
export interface BenchDocument {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly method: readonly string[];
  /** Chosen conditions by name; results from before 2026-11-28 have none. */
  readonly conditions?: Readonly<Record<string, string>>;
  readonly rows: readonly RowNote[];
  readonly scenarios: readonly ScenarioNote[];
  readonly results: readonly PointResult[];
  /** Reasons to read a figure with care. */
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
  /** Divisor, for example to show microseconds as milliseconds. */
  readonly divisor?: number;
  /** Which direction is better, if either is. */
  readonly better?: "more" | "less";
  /** Shown as the difference to the row `direct`. */
  readonly overDirect?: boolean;
}
