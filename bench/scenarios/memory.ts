import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../figures/record.ts";
import { ENDLESS } from "../payload/plan.ts";
import { isGateway, type Row } from "../rows/row.ts";
import type { Sample } from "../runner/process-figures.ts";
import type { Stage } from "../runner/stage.ts";
import { fewRuns, type Point, planOf, type Scenario, type Settings } from "./scenario.ts";

const KIB = 1024;
const IDLE_SOCKETS = 5000;
const STREAMS = 1000;
/** How long memory may settle before it is read. */
const SETTLE_MS = 2000;
const WARM_SOCKETS = 100;

/** The memory of an idle connection and of a running stream. Each run uses a new gateway. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory: the gateway's resident KiB per idle socket and per running stream",
  columns: [
    { metric: "kibEach", label: "KiB each", digits: 1, better: "less" },
    { metric: "beforeMiB", label: "before MiB", digits: 0 },
    { metric: "afterMiB", label: "after MiB", digits: 0 },
  ],
  points: (settings) => {
    const streams = settings.streams ?? STREAMS;
    const points: Point[] = [
      { ...point(settings, `${IDLE_SOCKETS} idle sockets`, idle), runs: fewRuns(settings) },
      {
        ...point(settings, `${streams} streams on ${streams} sockets`, active(settings, streams, streams)),
        runs: fewRuns(settings),
      },
      {
        ...point(settings, `${streams} streams on 10 sockets`, active(settings, streams, 10)),
        suits: (row) => isGateway(row) && row.protocol === "sluice",
        runs: fewRuns(settings),
      },
    ];
    return settings.survey ? points.slice(0, 2) : points;
  },
};

const point = (settings: Settings, name: string, measure: Point["measure"]): Point => ({
  id: `memory ${name}`,
  name,
  suits: isGateway,
  seconds: 7,
  measure: async (stage, row) => {
    await stage.retire(row);
    await warm(stage, row, settings);
    return measure(stage, row);
  },
});

/** Loads and compiles the code for a connection and a stream before the first reading. */
async function warm(stage: Stage, row: Row, settings: Settings): Promise<void> {
  await stage.run(row, steady(settings, WARM_SOCKETS, WARM_SOCKETS, 500));
}

async function idle(stage: Stage, row: Row): Promise<RunRecord> {
  const { resident } = await stage.observe(row, async (client, target) => {
    await client.ask("hold", { target, sockets: IDLE_SOCKETS });
    await sleep(SETTLE_MS);
  });
  return growth(resident, IDLE_SOCKETS);
}

function active(settings: Settings, streams: number, sockets: number): (stage: Stage, row: Row) => Promise<RunRecord> {
  return async (stage, row) => {
    const { resident } = await stage.run(row, steady(settings, streams, sockets, SETTLE_MS));
    return growth(resident, streams);
  };
}

const steady = (settings: Settings, streams: number, sockets: number, windowMs: number) => ({
  streams,
  sockets,
  plan: planOf(settings, { writesPerSecond: 1, count: ENDLESS }),
  warmupMs: streams,
  windowMs,
  probesPerSecond: 0,
  probeMs: 0,
  cancelAtEnd: false,
});

function growth(resident: readonly Sample[], things: number): RunRecord {
  const before = resident[0]?.[1] ?? Number.NaN;
  const after = resident.at(-1)?.[1] ?? Number.NaN;
  return {
    metrics: { kibEach: (after - before) / KIB / things, beforeMiB: before / KIB ** 2, afterMiB: after / KIB ** 2 },
  };
}
