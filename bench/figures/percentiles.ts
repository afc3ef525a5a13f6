import type { Histogram } from "./histogram.ts";

const PERCENTILES = { P50: 0.5, P90: 0.9, P99: 0.99, P999: 0.999, Max: 1 } as const;

/** The shares at which a run's distribution is kept, for plots. */
export const QUANTILES: readonly number[] = [
  0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999,
  1,
];

export const quantilesOf = (histogram: Histogram): number[] => QUANTILES.map((share) => histogram.quantile(share));

/** `latencyP50Us` to `latencyMaxUs`, and `latencyCount`; none for an empty histogram. */
export function percentiles(name: string, histogram: Histogram): Record<string, number> {
  if (histogram.count === 0) return {};
  const found = Object.entries(PERCENTILES).map(([label, share]) => [`${name}${label}Us`, histogram.quantile(share)]);
  return { ...Object.fromEntries(found), [`${name}Count`]: histogram.count };
}
