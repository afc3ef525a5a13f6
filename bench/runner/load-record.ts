import type { JobResult } from "../client/job.ts";
import { Histogram } from "../figures/histogram.ts";
import { percentiles, quantilesOf } from "../figures/percentiles.ts";
import type { RunRecord } from "../figures/record.ts";
import type { CpuUse } from "./cpu-marks.ts";
import type { Observed } from "./stage.ts";

const MIB = 2 ** 20;

/** A load's figures, by the names used in tables, reports and comparisons. */
export function recordOf({ client, upstream, cpu, resident }: Observed<JobResult>): RunRecord {
  const latency = Histogram.from(client.latency);
  const ttft = Histogram.from(client.ttft);
  return {
    metrics: {
      eventsPerSecond: client.windowUs > 0 ? (client.events / client.windowUs) * 1e6 : 0,
      ...(cpu.gatewayUs !== undefined && client.events > 0 && { cpuUsPerEvent: cpu.gatewayUs / client.events }),
      lumpedPercent: client.events > 0 ? (client.lumped / client.events) * 100 : 0,
      ...shares(cpu, client.windowUs),
      ...percentiles("latency", latency),
      ...percentiles("ttft", ttft),
      upstreamLagP99Us: Histogram.from(upstream.lag).quantile(0.99),
      startLagP99Us: Histogram.from(client.startLag).quantile(0.99),
      lost: client.lost,
      duplicated: client.duplicated,
      corrupt: client.corrupt,
      unstamped: client.unstamped,
      failed: Object.values(client.failures).reduce((sum, count) => sum + count, 0),
      ...(resident.length > 0 && { peakRssMiB: Math.max(...resident.map(([, bytes]) => bytes)) / MIB }),
    },
    failures: client.failures,
    quantiles: {
      ...(latency.count > 0 && { latency: quantilesOf(latency) }),
      ...(ttft.count > 0 && { ttft: quantilesOf(ttft) }),
    },
  };
}

/** Each process's share of one core within the window. */
export function shares(cpu: CpuUse, windowUs: number): Record<string, number> {
  const named = {
    gatewayCpuPercent: cpu.gatewayUs,
    upstreamCpuPercent: cpu.upstreamUs,
    clientCpuPercent: cpu.clientUs,
    othersCpuPercent: cpu.othersUs,
  };
  const known = Object.entries(named).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return windowUs > 0 ? Object.fromEntries(known.map(([name, us]) => [name, (us / windowUs) * 100])) : {};
}
