import type { Fault } from "../client/job.ts";
import type { RunRecord } from "../figures/record.ts";
import { ENDLESS, type Plan } from "../payload/plan.ts";
import { isGateway, type Row } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Stage } from "../runner/stage.ts";
import { fewRuns, type Point, planOf, type Scenario, type Settings } from "./scenario.ts";

const MIB = 2 ** 20;
const HEALTHY = 90;
const HEALTHY_RATE = 50;
const FAULTY = 10;
const CROWD = 1000;
/** The upstream counts the streams of faulty readers separately. */
const FAULTY_GROUP = 1;
/** Large events fill buffers sooner. */
const FAULTY_PLAN = {
  writesPerSecond: 0,
  burst: 4,
  bytes: 4096,
  count: ENDLESS,
  group: FAULTY_GROUP,
};

/** More than a gateway should keep of one answer, but finite, because a thousand sockets' buffers would hold gigabytes. */
const CROWD_PLAN = { ...FAULTY_PLAN, count: 400 };

/** A fast upstream and readers that do not keep up: the cost to others, and where the bytes wait. */
export const backpressure: Scenario = {
  name: "backpressure",
  title: `Backpressure: ${HEALTHY} healthy readers beside faulty ones whose upstream never waits`,
  columns: [
    { metric: "latencyP50Us", label: "healthy p50 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "rssGrowthMiB", label: "RSS growth MiB", digits: 1, better: "less" },
    { metric: "rssSlopeMiBPerSecond", label: "MiB/s at the end", digits: 1, better: "less" },
    { metric: "pushedMiB", label: "pushed MiB", digits: 1 },
    { metric: "pauses", label: "pauses", digits: 0 },
    { metric: "pausedPercent", label: "paused %", digits: 0 },
    { metric: "gatewayCpuPercent", label: "core %", digits: 0, better: "less" },
  ],
  points: (settings) => {
    const faults: (Fault | undefined)[] = settings.survey
      ? [undefined, "stalled"]
      : [undefined, "slow", "stalled", "blackholed"];
    return [...faults.map((fault) => beside(fault, settings)), crowd(settings)];
  },
};

const DESCRIPTIONS: Readonly<Record<Fault, string>> = {
  slow: "read 64 KiB/s",
  stalled: "acknowledge nothing",
  blackholed: "read nothing",
};

/** Without a fault it is the baseline. */
const beside = (fault: Fault | undefined, settings: Settings): Point =>
  point(
    fault === undefined ? "no faulty readers" : `${FAULTY} readers that ${DESCRIPTIONS[fault]}`,
    settings,
    (stage, row) =>
      load(stage, row, fault, settings, {
        healthy: HEALTHY,
        faulty: FAULTY,
        plan: FAULTY_PLAN,
        settleMs: 1500,
        windowMs: 1500,
      }),
  );

const crowd = (settings: Settings): Point =>
  point(`${CROWD} readers that acknowledge nothing, no others`, settings, (stage, row) =>
    load(stage, row, "stalled", settings, {
      healthy: 0,
      faulty: CROWD,
      plan: CROWD_PLAN,
      settleMs: 10_000,
      windowMs: 2000,
    }),
  );

const point = (name: string, settings: Settings, measure: Point["measure"]): Point => ({
  id: `backpressure ${name}`,
  name,
  suits: isGateway,
  seconds: name.startsWith("1000") ? 17 : 6,
  runs: fewRuns(settings),
  // Memory kept from the previous run would count as this run's.
  measure: async (stage, row) => {
    await stage.retire(row);
    return measure(stage, row);
  },
});

interface Mix {
  readonly healthy: number;
  readonly faulty: number;
  readonly plan: Partial<Plan>;
  readonly settleMs: number;
  readonly windowMs: number;
}

async function load(
  stage: Stage,
  row: Row,
  fault: Fault | undefined,
  settings: Settings,
  mix: Mix,
): Promise<RunRecord> {
  const observed = await stage.run(row, {
    streams: mix.healthy,
    sockets: mix.healthy,
    plan: planOf(settings, { writesPerSecond: HEALTHY_RATE, count: ENDLESS }),
    ...(fault && { faulty: { fault, streams: mix.faulty, plan: planOf(settings, mix.plan) } }),
    warmupMs: mix.healthy > 0 ? 500 : 0,
    settleMs: mix.settleMs,
    windowMs: mix.windowMs,
    probesPerSecond: 0,
    probeMs: 0,
    cancelAtEnd: false,
  });
  const record = recordOf(observed);
  const rss = observed.resident.map(([ms, bytes]) => [ms, bytes / MIB] as const);
  const pushed = observed.upstream.groups[FAULTY_GROUP];
  const streamUs = (mix.settleMs + mix.windowMs) * 1000 * mix.faulty;
  return {
    ...record,
    metrics: {
      ...record.metrics,
      rssGrowthMiB: (rss.at(-1)?.[1] ?? 0) - (rss[0]?.[1] ?? 0),
      rssSlopeMiBPerSecond: slopeAtEnd(rss),
      ...(pushed && {
        pushedMiB: pushed.bytes / MIB,
        pauses: pushed.blocks,
        pausedPercent: Math.min(100, (pushed.blockedUs / streamUs) * 100),
      }),
    },
    series: { rssMiB: rss },
  };
}

/** Growth per second over the last second. */
function slopeAtEnd(rss: readonly (readonly [number, number])[]): number {
  const last = rss.at(-1);
  const earlier = last && rss.findLast(([ms]) => ms <= last[0] - 1000);
  return last && earlier ? ((last[1] - earlier[1]) / (last[0] - earlier[0])) * 1000 : 0;
}
