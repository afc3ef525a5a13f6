import { paced } from "./paced.ts";
import type { Scenario } from "./scenario.ts";

/** The same load over fewer sockets. Sluice allows at most 256 streams per socket, so 4 sockets stand for "one". */
export const multiplex: Scenario = {
  name: "multiplex",
  title: "Multiplexing: the same streams over fewer sockets",
  columns: [
    { metric: "eventsPerSecond", label: "events/s", digits: 0, better: "more" },
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 1, better: "less" },
    { metric: "latencyP50Us", label: "p50 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "latencyP999Us", label: "p99.9 µs", digits: 0, better: "less" },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => {
    const { survey, streams = 1000, rate = survey ? 10 : 20 } = settings;
    // A survey has already measured the first one as a point of `relay`.
    const first = paced({ streams, rate, probes: survey }, settings);
    return [first, ...(survey ? [10] : [10, 4]).map((sockets) => paced({ streams, rate, sockets }, settings))];
  },
};
