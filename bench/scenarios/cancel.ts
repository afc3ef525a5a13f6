import { Histogram } from "../figures/histogram.ts";
import { percentiles, quantilesOf } from "../figures/percentiles.ts";
import { ENDLESS } from "../payload/plan.ts";
import { relays } from "../rows/row.ts";
import { fewRuns, planOf, type Scenario } from "./scenario.ts";

const STREAMS = 100;

/** From the client's cancel to the closing of the upstream socket, one stream after another while the rest keep running. */
export const cancel: Scenario = {
  name: "cancel",
  title: "Cancel: the client's cancel → the upstream's socket closed",
  columns: [
    { metric: "cancelP50Us", label: "p50 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "cancelP90Us", label: "p90 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "cancelP99Us", label: "p99 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "cancelMaxUs", label: "max ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "missed", label: "never", digits: 0, better: "less" },
  ],
  points: (settings) => {
    const streams = settings.streams ?? STREAMS;
    return [
      {
        id: `cancel ${streams}`,
        name: `${streams} streams`,
        suits: relays,
        seconds: 2.5,
        runs: fewRuns(settings),
        measure: async (stage, row) => {
          const { client, upstream } = await stage.run(row, {
            streams,
            sockets: streams,
            plan: planOf(settings, { writesPerSecond: settings.rate ?? 20, count: ENDLESS }),
            warmupMs: 500,
            windowMs: 0,
            probesPerSecond: 0,
            probeMs: 0,
            cancelAtEnd: true,
          });
          const delays = new Histogram();
          let missed = 0;
          for (const [key, cancelledUs] of Object.entries(client.cancelled)) {
            const closedUs = upstream.closed[key];
            if (closedUs === undefined) missed++;
            else delays.record(closedUs - cancelledUs);
          }
          return {
            metrics: { ...percentiles("cancel", delays), missed },
            quantiles: { cancel: quantilesOf(delays) },
          };
        },
      },
    ];
  },
};
