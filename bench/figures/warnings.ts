import { DIRECT } from "../rows/row.ts";
import type { PointResult, RunRecord } from "./record.ts";
import { spreadOf } from "./spread.ts";

/** Share of one core above which the harness may be what is measured. */
const BUSY_PERCENT = 90;
/** Share of the harness's own rate from which on it may be what limits a row. */
const LIMIT_SHARE = 0.9;
/** Share of one core for everything outside the benchmark. */
const DISTURBED_PERCENT = 10;
const HARNESS = "the harness is saturated, so the row may be faster than this:";
/** Runs below which the median of a high percentile is no figure. */
const MIN_RUNS = 5;
const CARRIED_SHARE = 0.97;

/** Reasons to read the figures with care. `shared`: upstream and client are on one core. */
export function warningsOf(results: readonly PointResult[], shared: boolean): string[] {
  const own = results.flatMap((result) =>
    faultsOf(result, shared).map((why) => `${result.point}, ${result.row}: ${why}`),
  );
  return [...new Set(own), ...limits(results), ...scarcity(results), ...disturbance(results)];
}

function faultsOf(result: PointResult, shared: boolean): string[] {
  const upstream = median(result, "upstreamCpuPercent");
  const client = median(result, "clientCpuPercent");
  const offered = median(result, "offeredPerSecond");
  const carried = median(result, "eventsPerSecond");
  const found: string[] = [];
  if (upstream > BUSY_PERCENT) found.push(`${HARNESS} the upstream used ${percent(upstream)} of its core`);
  if (client > BUSY_PERCENT) found.push(`${HARNESS} the client used ${percent(client)} of its core`);
  if (shared && Math.max(upstream, client) <= BUSY_PERCENT && upstream + client > BUSY_PERCENT) {
    found.push(`${HARNESS} upstream and client together used ${percent(upstream + client)} of their core`);
  }
  if (carried < offered * CARRIED_SHARE)
    found.push(`saturated: ${percent((carried / offered) * 100)} of the rate came`);
  for (const fault of ["lost", "duplicated", "corrupt", "failed"]) {
    const count = result.runs.reduce((sum, { metrics }) => sum + (metrics[fault] ?? 0), 0);
    const reasons = fault === "failed" ? ` (${reasonsOf(result).join(", ")})` : "";
    if (count > 0) found.push(`${count} ${fault}${reasons}`);
  }
  return found;
}

/** Where nothing sets the rate but the gateway, a row as fast as the upstream read directly says nothing of the gateway. */
function limits(results: readonly PointResult[]): string[] {
  const direct = results.filter(({ row }) => row === DIRECT);
  return direct.flatMap((limit) => {
    const most = median(limit, "eventsPerSecond");
    const near = results.filter(
      (result) =>
        most > 0 &&
        result.row !== DIRECT &&
        result.point === limit.point &&
        result.scenario === limit.scenario &&
        Number.isNaN(median(result, "offeredPerSecond")) &&
        median(result, "eventsPerSecond") >= most * LIMIT_SHARE,
    );
    return near.map(
      ({ point, row }) => `${point}, ${row}: as fast as the harness itself (${Math.round(most)} events/s)`,
    );
  });
}

/** A high percentile is the median of a few runs, each of which has few events above it. */
function scarcity(results: readonly PointResult[]): string[] {
  const few = results.filter(({ runs }) => runs.length < MIN_RUNS && runs.some(hasHighPercentile));
  const from = `${few.length} of ${results.length} measurements have fewer than ${MIN_RUNS} runs`;
  return few.length === 0 ? [] : [`${from}: their p99 and p99.9 say little`];
}

const hasHighPercentile = ({ metrics }: RunRecord): boolean =>
  metrics.latencyP99Us !== undefined || metrics.ttftP99Us !== undefined;

const reasonsOf = ({ runs }: PointResult): string[] => [
  ...new Set(runs.flatMap(({ failures = {} }) => Object.keys(failures))),
];

/** Other load on the machine, over all points. */
function disturbance(results: readonly PointResult[]): string[] {
  const shares = results.map((result) => median(result, "othersCpuPercent")).filter((share) => !Number.isNaN(share));
  const disturbed = shares.filter((share) => share > DISTURBED_PERCENT);
  if (disturbed.length === 0) return [];
  const most = percent(Math.max(...disturbed));
  return [`other programs used up to ${most} of a core in ${disturbed.length} of ${shares.length} measurements`];
}

const median = ({ runs }: PointResult, metric: string): number =>
  spreadOf(runs.map(({ metrics }) => metrics[metric] ?? Number.NaN))?.median ?? Number.NaN;

const percent = (value: number): string => `${Math.round(value)} %`;
