import type { RunRecord } from "../figures/record.ts";
import { nowUs } from "../payload/clock.ts";
import { ENDLESS } from "../payload/plan.ts";
import { type Row, relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Stage } from "../runner/stage.ts";
import { describe, type PacedShape, PROBES_PER_SECOND, paced } from "./paced.ts";
import { type Point, planOf, type Scenario, type Settings } from "./scenario.ts";

/** When a cold window opens, from the start of the gateway's process on. */
const OPENS_AFTER_MS = 2000;
/** Fast enough for a thousand streams to run when the window opens. */
const STARTS_PER_SECOND = 2000;
/** Short streams that compile the harness's own code. */
const REHEARSALS = 200;

/** The first seconds of a gateway's life beside a later window of the same load. */
export const cold: Scenario = {
  name: "cold",
  title: `Cold: measured from ${OPENS_AFTER_MS / 1000} s after the process was started, and warm, after 500 streams`,
  columns: [
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 1, better: "less" },
    { metric: "latencyP50Us", label: "p50 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "latencyP999Us", label: "p99.9 µs", digits: 0, better: "less" },
    { metric: "ttftP50Us", label: "TTFT p50 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "ttftP99Us", label: "TTFT p99 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "openedAfterMs", label: "opened after s", digits: 2, divisor: 1000 },
    { metric: "upstreamCpuPercent", label: "upstream %", digits: 0 },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => {
    const rehearsed = new Set<Row>();
    const chilled = (shape: PacedShape) => coldPoint(shape, settings, rehearsed);
    const small = { streams: 100, rate: 50 };
    const large = { streams: 1000, rate: 10 };
    const bursts = { ...small, burst: 8 };
    if (settings.survey) return [chilled(small), chilled({ ...small, probes: true })];
    return [
      chilled(small),
      chilled({ ...small, probes: true }),
      paced({ ...small, probes: true }, settings),
      chilled(large),
      paced({ ...large, probes: true }, settings),
      chilled(bursts),
      chilled({ ...bursts, probes: true }),
      paced({ ...bursts, probes: true }, settings),
      chilled({ streams: 20, rate: 50, probes: true }),
    ];
  },
};

/** With probes, first tokens are timed instead of events: opening streams costs CPU that would count as the events'. */
function coldPoint(shape: PacedShape, settings: Settings, rehearsed: Set<Row>): Point {
  const name = `cold: ${describe(shape, shape.streams)}${shape.probes ? ", first tokens" : ""}`;
  return {
    id: name,
    name,
    suits: relays,
    seconds: OPENS_AFTER_MS / 1000 + settings.windowMs / 1000 + 1.5,
    measure: async (stage, row) => {
      if (!rehearsed.has(row)) await rehearse(stage, row, settings);
      rehearsed.add(row);
      await stage.retire(row);
      return measure(stage, row, shape, settings);
    },
  };
}

/** Runs the harness's code for this row against another process than the one that is measured. */
async function rehearse(stage: Stage, row: Row, settings: Settings): Promise<void> {
  const plan = planOf(settings, { count: ENDLESS });
  const nothing = { windowMs: 0, probesPerSecond: 0, probeMs: 0, cancelAtEnd: false };
  await stage.run(row, { streams: 20, sockets: 20, plan, rehearsals: REHEARSALS, warmupMs: 500, ...nothing });
}

async function measure(stage: Stage, row: Row, shape: PacedShape, settings: Settings): Promise<RunRecord> {
  const { streams, rate, burst = 1, probes = false } = shape;
  // Without a process, as for the row `direct`, the clock starts here.
  const startedUs = (await stage.row(row)).started?.atUs ?? nowUs();
  const observed = await stage.run(row, {
    streams,
    sockets: streams,
    plan: planOf(settings, { writesPerSecond: rate, burst, count: ENDLESS }),
    warmupMs: (streams / STARTS_PER_SECOND) * 1000,
    openAtUs: startedUs + OPENS_AFTER_MS * 1000,
    windowMs: probes ? 0 : settings.windowMs,
    probesPerSecond: probes ? PROBES_PER_SECOND : 0,
    probeMs: probes ? settings.windowMs : 0,
    cancelAtEnd: false,
  });
  const record = recordOf(observed);
  const openedAfterMs = (observed.client.openedUs - startedUs) / 1000;
  const offered = probes ? {} : { offeredPerSecond: streams * rate * burst };
  return { ...record, metrics: { ...record.metrics, openedAfterMs, ...offered } };
}
