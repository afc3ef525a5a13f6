import { Histogram } from "../figures/histogram.ts";
import { QUANTILES, type RunRecord } from "../figures/record.ts";
import type { Measured } from "./stage.ts";

const PERCENTILES = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999, max: 1 } as const;

/** A run's figures, by the names that tables, reports and comparisons use. */
export function recordOf({ client, upstream, gatewayCpuUs, upstreamCpuUs, resident }: Measured): RunRecord {
  const latency = Histogram.from(client.latency);
  const ttft = Histogram.from(client.ttft);
  const percent = (us: number) => (us / client.windowUs) * 100;
  const failed = Object.values(client.failures).reduce((sum, count) => sum + count, 0);
  return {
    metrics: {
      eventsPerSecond: (client.events / client.windowUs) * 1e6,
      ...(gatewayCpuUs !== undefined && { gatewayCpuPercent: percent(gatewayCpuUs) }),
      ...(gatewayCpuUs !== undefined && client.events > 0 && { cpuUsPerEvent: gatewayCpuUs / client.events }),
      upstreamCpuPercent: percent(upstreamCpuUs),
      clientCpuPercent: percent(client.cpuUs),
      ...percentiles("latency", latency),
      ...percentiles("ttft", ttft),
      upstreamLagP99Us: Histogram.from(upstream.lag).quantile(0.99),
      startLagP99Us: Histogram.from(client.startLag).quantile(0.99),
      lost: client.lost,
      duplicated: client.duplicated,
      corrupt: client.corrupt,
      unstamped: client.unstamped,
      failed,
      ...(resident.length > 0 && { peakRssMiB: Math.max(...resident.map(([, bytes]) => bytes)) / 2 ** 20 }),
    },
    quantiles: {
      ...(latency.count > 0 && { latency: QUANTILES.map((share) => latency.quantile(share)) }),
      ...(ttft.count > 0 && { ttft: QUANTILES.map((share) => ttft.quantile(share)) }),
    },
  };
}

/** `latencyP50Us` and so on, and how many values there were. */
function percentiles(name: string, histogram: Histogram): Record<string, number> {
  if (histogram.count === 0) return {};
  const found = Object.entries(PERCENTILES).map(([label, share]) => [
    `${name}${label[0]?.toUpperCase()}${label.slice(1)}Us`,
    histogram.quantile(share),
  ]);
  return { ...Object.fromEntries(found), [`${name}Count`]: histogram.count };
}
