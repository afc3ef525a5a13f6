import type { RunRecord } from "../figures/record.ts";
import { ENDLESS } from "../payload/plan.ts";
import { type Row, relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Stage } from "../runner/stage.ts";
import { highestRung } from "./rungs.ts";
import { fewRuns, type Point, planOf, type Settings } from "./scenario.ts";

const STREAMS = 400;
/** Offered rates, 15 % apart: finer than a run's repeatability. */
const LADDER: readonly number[] = Array.from(
  { length: 19 },
  (_, step) => Math.round((3000 * 1.15 ** step) / 100) * 100,
);
/** A rate was carried if nearly all events arrived, and nearly all of those one by one. */
const DELIVERED_SHARE = 0.97;
const MAX_LUMPED_PERCENT = 20;

/**
 * The most events per second that one core carries with one event per write: tries the rates of a ladder, open loop, and takes
 * the highest that was carried. Above it a gateway finds several events in each read and carries more in batches, which is
 * another measure.
 */
export function saturation(settings: Settings): Point {
  /** Where each row's last run ended; the next one starts there. */
  const rungs = new Map<Row, number>();
  return {
    id: "saturation",
    name: "maximum of one core, one event per write",
    suits: relays,
    seconds: 5 * (settings.windowMs / 1000 + 1.3),
    runs: fewRuns(settings),
    measure: async (stage, row) => {
      const records = new Map<number, RunRecord>();
      const isCarriedAt = async (rung: number) => {
        const record = await attempt(stage, row, LADDER[rung] ?? 0, settings);
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

async function attempt(stage: Stage, row: Row, rate: number, settings: Settings): Promise<RunRecord | undefined> {
  const { windowMs } = settings;
  const plan = planOf(settings, { writesPerSecond: rate / STREAMS, count: ENDLESS });
  const rest = { warmupMs: 300, windowMs, probesPerSecond: 0, probeMs: 0, cancelAtEnd: false };
  try {
    return recordOf(await stage.run(row, { streams: STREAMS, sockets: STREAMS, plan, ...rest }));
  } catch {
    // The load was too high even to start.
    return undefined;
  }
}

const isCarried = ({ metrics }: RunRecord, rate: number): boolean =>
  (metrics.eventsPerSecond ?? 0) >= rate * DELIVERED_SHARE &&
  (metrics.lumpedPercent ?? 0) <= MAX_LUMPED_PERCENT &&
  metrics.lost === 0;
