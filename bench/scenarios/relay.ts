import { type PacedShape, paced } from "./paced.ts";
import type { Scenario, Settings } from "./scenario.ts";

/** The cost of relaying an event, at 5k, 10k and 20k events per second. */
export const relay: Scenario = {
  name: "relay",
  title: "Relay: event written by the upstream → read by the client; what the gateway's core spends on it",
  columns: [
    { metric: "eventsPerSecond", label: "events/s", digits: 0, better: "more" },
    { metric: "latencyP50Us", label: "p50 µs", digits: 0, better: "less" },
    { metric: "latencyP50Us", label: "added p50", digits: 0, overDirect: true, better: "less" },
    { metric: "latencyP90Us", label: "p90 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "latencyP999Us", label: "p99.9 µs", digits: 0, better: "less" },
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 1, better: "less" },
    { metric: "gatewayCpuPercent", label: "core %", digits: 0, better: "less" },
    { metric: "upstreamCpuPercent", label: "upstream %", digits: 0 },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => shapes(settings).map((shape) => paced(shape, settings)),
};

/** In a survey, the runs of `ttft` are shown here too. */
function shapes({ streams, rate, survey }: Settings): readonly PacedShape[] {
  if (streams !== undefined) return [{ streams, rate: rate ?? 50 }];
  const probes = survey;
  const both = [
    { streams: 100, rate: 50, probes },
    { streams: 1000, rate: 10, probes },
  ];
  return survey ? both : [...both, { streams: 1000, rate: 20 }];
}
