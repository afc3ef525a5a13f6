/** Which streams, cut into cells. */
export interface CellsQuery {
  /** Streams opened at or after; wall clock, in milliseconds. */
  readonly since: number;
  /** Streams opened before. */
  readonly until: number;
  /** Only those of this caller. */
  readonly caller?: string | undefined;
  /** Only those of this session. */
  readonly session?: string | undefined;
  /** Days begin so many minutes before those of UTC. */
  readonly utcOffsetMinutes: number;
}

/** The streams of one day, session, route and model, added up: everything a page of usage can be drawn from. */
export interface UsageCell {
  /** `2026-11-22`. */
  readonly day: string;
  readonly session: string | null;
  readonly route: string;
  readonly model: string | null;
  readonly streams: number;
  readonly failed: number;
  /** Input without what came from or went to a cache. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly costNano: number;
  /** Streams with tokens but no cost: their model has no price. */
  readonly unpriced: number;
  /** When the first of them was opened and the last; wall clock, in milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** How long one completed stream took. */
export interface StreamLatency {
  readonly day: string;
  readonly session: string | null;
  readonly totalMs: number;
}

export interface UsageCells {
  /** Newest day first, then by tokens. */
  readonly cells: readonly UsageCell[];
  /** Of the newest streams, as many as are kept apart. */
  readonly latencies: readonly StreamLatency[];
}
