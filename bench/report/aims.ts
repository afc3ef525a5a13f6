import type { PointResult } from "../figures/record.ts";
import { type Spread, spreadOf } from "../figures/spread.ts";
import { DIRECT } from "../rows/row.ts";

/** What a figure of this gateway should be: a number, or a multiple of the floor's figure in the same run. */
export interface Aim {
  readonly what: string;
  readonly point: string;
  readonly row: string;
  readonly metric: string;
  /** Divisor and digits of the shown figures. */
  readonly divisor: number;
  readonly digits: number;
  readonly overDirect?: boolean;
  readonly text: string;
  readonly limit: { readonly timesFloor: number } | { readonly most: number } | { readonly least: number };
}

/** An aim and the figures that were measured for it. Ratios are those of the medians. */
export interface AimResult {
  readonly aim: Aim;
  readonly sluice: Spread;
  readonly base: Spread | undefined;
  readonly ratio: number | undefined;
  readonly reached: boolean;
}

const SMALL = "cold: 100 streams, 5000 events/s";
const LARGE = "cold: 1000 streams, 10000 events/s";
const BURSTS = "cold: 100 streams, 40000 events/s, 8 a write";
const ENDLESS = "unthrottled, 64 streams";
const ANSWERS = "unthrottled, 64 streams at a time of 2000 events each, one after another";
const ALONE = "cold: 20 streams, 1000 events/s, first tokens";
const START = "from start to listening";
const IDLE = "idle for 10 s";

const cpu = (load: string, point: string, timesFloor: number): Aim => ({
  ...ofFloor(`${load}: CPU µs per event`, point, "cpuUsPerEvent", timesFloor),
  digits: 1,
});
const p99 = (load: string, point: string, timesFloor: number): Aim =>
  ofFloor(`${load}: latency p99, µs`, point, "latencyP99Us", timesFloor);

function ofFloor(what: string, point: string, metric: string, timesFloor: number): Aim {
  const text = `≤ ${timesFloor} x floor`;
  return { what, point, row: "sluice", metric, divisor: 1, digits: 0, text, limit: { timesFloor } };
}

const atMost = (what: string, point: string, row: string, metric: string, most: number, digits = 0): Aim => {
  return { what, point, row, metric, divisor: 1, digits, text: `≤ ${most.toLocaleString("en-US")}`, limit: { most } };
};

const addedFirstToken = (face: string, row: string): Aim => ({
  ...atMost(`TTFT p50 over direct, 20 streams, ms${face}`, ALONE, row, "ttftP50Us", 0.4, 2),
  divisor: 1000,
  overDirect: true,
});

const most = (point: string, what: string): Aim => {
  const limit = { least: 1_000_000 };
  const metric = "eventsPerSecond";
  return { what, point, row: "sluice", metric, divisor: 1, digits: 0, text: "≥ 1,000,000", limit };
};

/** The aims that were set on 2026-11-28, on cold windows except where nothing is cold. */
export const AIMS: readonly Aim[] = [
  cpu("100 x 50/s", SMALL, 1.4),
  p99("100 x 50/s", SMALL, 2),
  { ...ofFloor("100 x 50/s: TTFT p99, ms", `${SMALL}, first tokens`, "ttftP99Us", 2), divisor: 1000, digits: 1 },
  cpu("1,000 x 10/s", LARGE, 1.2),
  p99("1,000 x 10/s", LARGE, 2),
  cpu("8 events a write, 40,000/s", BURSTS, 1.5),
  p99("8 events a write, 40,000/s", BURSTS, 3),
  most(ENDLESS, "unthrottled, 64 streams: events/s"),
  most(ANSWERS, "unthrottled, answers one after another: events/s"),
  atMost("the same: RSS peak, MiB", ANSWERS, "sluice", "peakRssMiB", 300),
  atMost("the same: refused or failed", ANSWERS, "sluice", "failed", 0),
  addedFirstToken("", "sluice"),
  addedFirstToken(", HTTP face", "sluice-http"),
  atMost("start to listening, built, ms", START, "sluice-built", "listeningMs", 350),
  atMost("RSS idle, built, memory store, MiB", IDLE, "sluice-built", "idleRssMiB", 85, 1),
  atMost("RSS idle, built, SQLite store, MiB", IDLE, "sluice-built-sqlite", "idleRssMiB", 85, 1),
];

/** The aims that some results can tell about. An aim whose figures are missing is left out. */
export const aimsIn = (results: readonly PointResult[]): AimResult[] => AIMS.flatMap((aim) => resultOf(aim, results));

function resultOf(aim: Aim, results: readonly PointResult[]): AimResult[] {
  const found = (row: string) => spreadIn(results, aim, row);
  const direct = aim.overDirect ? found(DIRECT)?.median : 0;
  const measured = found(aim.row);
  if (!measured || direct === undefined) return [];
  const sluice = { median: measured.median - direct, min: measured.min - direct, max: measured.max - direct };
  const { limit } = aim;
  if (!("timesFloor" in limit)) {
    const reached = "most" in limit ? sluice.median <= limit.most : sluice.median >= limit.least;
    return [{ aim, sluice, base: undefined, ratio: undefined, reached }];
  }
  const base = found("floor");
  if (!base) return [];
  const ratio = sluice.median / base.median;
  return [{ aim, sluice, base, ratio, reached: ratio <= limit.timesFloor }];
}

function spreadIn(results: readonly PointResult[], { point, metric, divisor }: Aim, row: string): Spread | undefined {
  const result = results.find((one) => one.point === point && one.row === row);
  return result && spreadOf(result.runs.map(({ metrics }) => (metrics[metric] ?? Number.NaN) / divisor));
}
