import type { RunRecord } from "../figures/record.ts";
import { DEFAULT_PLAN, ENDLESS } from "../payload/plan.ts";
import { type Row, relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Stage } from "../runner/stage.ts";
import { highestRung } from "./rungs.ts";
import { fewRuns, type Point, type Settings } from "./scenario.ts";

const STREAMS = 400;
/** Offered rates, 15 % apart: finer than what a run repeats to. */
const LADDER: readonly number[] = Array.from(
  { length: 19 },
  (_, step) => Math.round((3000 * 1.15 ** step) / 100) * 100,
);
/** What was carried: nearly all of it, and nearly all of that event by event. */
const DELIVERED_SHARE = 0.97;
const MAX_LUMPED_PERCENT = 20;

/**
 * The most events a second that one core carries with one event a write: rates of a ladder are tried, open loop, and the
 * highest that was carried counts. Beyond it a gateway finds several events in each read and carries more by carrying
 * them in lumps: that is another measure.
 */
export function saturation(settings: Settings): Point {
  /** Where each row's last run ended: the next one looks there first. */
  const rungs = new Map<Row, number>();
  return {
    id: "saturation",
    name: "most of one core, one event a write",
    suits: relays,
    seconds: 5 * (settings.windowMs / 1000 + 1.3),
    runs: fewRuns(settings),
    measure: async (stage, row) => {
      const records = new Map<number, RunRecord>();
      const isCarriedAt = async (rung: number) => {
        const record = await attempt(stage, row, LADDER[rung] ?? 0, settings.windowMs);
        if (record) records.set(rung, record);
        return record !== undefined && isCarried(record, LADDER[rung] ?? 0);
      };
      const highest = await highestRung(LADDER.length, rungs.get(row), isCarriedAt);
      const carried = highest === undefined ? undefined : records.get(highest);
      if (highest === undefined || !carried) throw new Error(`not even ${LADDER[0]} events/s`);
      rungs.set(row, highest);
      return carried;
    },
  };
}

async function attempt(stage: Stage, row: Row, rate: number, windowMs: number): Promise<RunRecord | undefined> {
  const plan = { ...DEFAULT_PLAN, writesPerSecond: rate / STREAMS, count: ENDLESS };
  const rest = { warmupMs: 300, windowMs, probesPerSecond: 0, probeMs: 0, cancelAtEnd: false };
  try {
    return recordOf(await stage.run(row, { streams: STREAMS, sockets: STREAMS, plan, ...rest }));
  } catch {
    // Too much for it even to begin.
    return undefined;
  }
}

const isCarried = ({ metrics }: RunRecord, rate: number): boolean =>
  (metrics.eventsPerSecond ?? 0) >= rate * DELIVERED_SHARE &&
  (metrics.lumpedPercent ?? 0) <= MAX_LUMPED_PERCENT &&
  metrics.lost === 0;
