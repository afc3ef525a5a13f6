import type { RunRecord } from "../figures/record.ts";
import { DEFAULT_PLAN, ENDLESS } from "../payload/plan.ts";
import { type Row, relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Stage } from "../runner/stage.ts";
import type { Point, Settings } from "./scenario.ts";

const STREAMS = 100;
/** Offered rates, 15 % apart: finer than what a run repeats to. */
const LADDER: readonly number[] = Array.from(
  { length: 19 },
  (_, step) => Math.round((3000 * 1.15 ** step) / 100) * 100,
);
/** What was carried: nearly all of it, and without a queue that grows. */
const DELIVERED_SHARE = 0.97;
const MAX_MEDIAN_US = 20_000;

/**
 * The most events a second that one core carries with one event a write: rates of a ladder are tried by halves, open
 * loop, and the highest that was carried counts. Beyond it events arrive in lumps, and the measure would be another.
 */
export const saturation = ({ windowMs }: Settings): Point => ({
  id: "saturation",
  name: "most of one core, one event a write",
  suits: relays,
  seconds: 5 * (windowMs / 1000 + 2.2),
  measure: async (stage, row) => {
    let carried: RunRecord | undefined;
    let low = 0;
    let high = LADDER.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const rate = LADDER[middle] ?? 0;
      const record = await attempt(stage, row, rate, windowMs);
      if (record && isCarried(record, rate)) {
        carried = record;
        low = middle + 1;
      } else high = middle - 1;
    }
    if (!carried) throw new Error(`not even ${LADDER[0]} events/s`);
    return carried;
  },
});

async function attempt(stage: Stage, row: Row, rate: number, windowMs: number): Promise<RunRecord | undefined> {
  const plan = { ...DEFAULT_PLAN, writesPerSecond: rate / STREAMS, count: ENDLESS };
  const rest = { warmupMs: 500, windowMs, probesPerSecond: 0, probeMs: 0, cancelAtEnd: false };
  try {
    return recordOf(await stage.run(row, { streams: STREAMS, sockets: STREAMS, plan, ...rest }));
  } catch {
    // Too much for it even to begin.
    return undefined;
  }
}

const isCarried = ({ metrics }: RunRecord, rate: number): boolean =>
  (metrics.eventsPerSecond ?? 0) >= rate * DELIVERED_SHARE &&
  (metrics.latencyP50Us ?? 0) <= MAX_MEDIAN_US &&
  metrics.lost === 0;
