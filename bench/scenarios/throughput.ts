import { paced } from "./paced.ts";
import { saturation } from "./saturation.ts";
import type { Scenario } from "./scenario.ts";
import { endless } from "./unthrottled.ts";

/** How much one core moves: one event per write, eight per write, and as fast as sockets accept. */
export const throughput: Scenario = {
  name: "throughput",
  title: "Throughput of one core",
  columns: [
    { metric: "eventsPerSecond", label: "events/s", digits: 0, better: "more" },
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 2, better: "less" },
    { metric: "gatewayCpuPercent", label: "core %", digits: 0, better: "less" },
    { metric: "latencyP50Us", label: "p50 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "latencyP999Us", label: "p99.9 µs", digits: 0, better: "less" },
    { metric: "upstreamCpuPercent", label: "upstream %", digits: 0 },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => [
    saturation(settings),
    paced({ streams: 100, rate: 50, burst: 8 }, settings),
    endless(settings.streams ?? 64, settings),
  ],
};
