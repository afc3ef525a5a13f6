import type { Config } from "../../config/schema.ts";
import type { LogOptions } from "../../observe/log.ts";
import type { MetricsOptions } from "../../observe/metrics.ts";

/** What the configured gateway writes to its log, and how. */
export function logOptions(
  { log, cluster }: Config,
  {
    node,
    clock,
    worker,
    target,
  }: Pick<LogOptions, "clock" | "worker"> & {
    readonly node: string;
    /** By default standard output. */
    readonly target: LogOptions["target"] | undefined;
  },
): LogOptions {
  const isPretty = log.pretty === true;
  const named = cluster.redis && node;
  return {
    level: log.level,
    pretty: isPretty,
    colour: isPretty,
    clock,
    node: named,
    worker,
    ...(target && { target }),
  };
}

/** What the configured gateway measures. */
export const metricsOptions = ({ metrics, cluster, data }: Config): MetricsOptions => ({
  callerLabel: metrics.callerLabel,
  isClustered: cluster.redis !== undefined,
  isPostgres: data.store === "postgres",
});
