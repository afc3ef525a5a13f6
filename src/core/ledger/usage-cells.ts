/** Selects the streams of a cell report. */
export interface CellsQuery {
  /** Only streams opened at or after this moment; wall-clock milliseconds. */
  readonly since: number;
  /** Only streams opened before this moment. */
  readonly until: number;
  /** Only this caller's streams. */
  readonly caller?: string | undefined;
  /** Only this session's streams. */
  readonly session?: string | undefined;
  /** How many minutes before UTC's midnight days begin. */
  readonly utcOffsetMinutes: number;
}

/** Sums over the streams of one day, session, route and model, from which usage pages are drawn. */
export interface UsageCell {
  /** Such as `2026-11-22`. */
  readonly day: string;
  readonly session: string | null;
  readonly route: string;
  readonly model: string | null;
  readonly streams: number;
  readonly failed: number;
  /** Input tokens, without cached ones. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costNano: number;
  /** Streams with tokens but no cost, because their model has no price. */
  readonly unpriced: number;
  /** When the first and the last of them were opened; wall-clock milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** How long one completed stream took. */
export interface StreamLatency {
  readonly day: string;
  readonly session: string | null;
  readonly totalMs: number;
}

/** The answer to a `CellsQuery`. */
export interface UsageCells {
  /** Newest day first, then by tokens. */
  readonly cells: readonly UsageCell[];
  /** Of the newest streams only; storage limits how many. */
  readonly latencies: readonly StreamLatency[];
}
