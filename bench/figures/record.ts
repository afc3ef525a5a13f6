/** The figures of one run by name; the names carry the units. */
export type Metrics = Readonly<Record<string, number>>;

/** One run of one row at one point. */
export interface RunRecord {
  readonly metrics: Metrics;
  /** Values at the shares of QUANTILES, in microseconds. */
  readonly quantiles?: Readonly<Record<string, readonly number[]>>;
  /** Why streams failed, and how many for each reason. */
  readonly failures?: Readonly<Record<string, number>>;
  /** Curves over time: milliseconds and value. */
  readonly series?: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

/** What one row did at one point of a scenario, in all runs. */
export interface PointResult {
  readonly scenario: string;
  readonly point: string;
  readonly row: string;
  readonly runs: readonly RunRecord[];
  /** Why runs are missing. */
  readonly failure?: string;
}
