/** The figures of one run by name; the names carry the units. */
export type Metrics = Readonly<Record<string, number>>;

/** One run of one row at one point. */
export interface RunRecord {
  readonly metrics: Metrics;
  /** Values at the shares of QUANTILES, in microseconds. */
  readonly quantiles?: Readonly<Record<string, readonly number[]>>;
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

/** Where the distribution of a run is kept. */
export const QUANTILES: readonly number[] = [
  0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999,
  1,
];
