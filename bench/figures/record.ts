/** The figures of one run by name; the names carry the units. */
export type Metrics = Readonly<Record<string, number>>;

/** One run of one row at one point. */
export interface RunRecord {
  readonly metrics: Metrics;
  /** Values at the shares of QUANTILES, in microseconds. */
  readonly quantiles?: Readonly<Record<string, readonly number[]>>;
  /** Failed streams by reason. */
  readonly failures?: Readonly<Record<string, number>>;
  /** Curves over time: milliseconds and value. */
  readonly series?: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

/** All runs of one row at one point of a scenario. */
export interface PointResult {
  readonly scenario: string;
  readonly point: string;
  readonly row: string;
  readonly runs: readonly RunRecord[];
  /** Why runs are missing. */
  readonly failure?: string;
}
