import { type PacedShape, paced } from "./paced.ts";
import type { Scenario, Settings } from "./scenario.ts";

/** Request to first content beside other streams: alone, a small team, a busy node, a full one. */
export const ttft: Scenario = {
  name: "ttft",
  title: "Time to first token: request written → first content at the client, while other streams run",
  columns: [
    { metric: "ttftP50Us", label: "p50 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "ttftP50Us", label: "added p50", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftP90Us", label: "added p90", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftP99Us", label: "p99 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "ttftP99Us", label: "added p99", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftCount", label: "requests", digits: 0 },
  ],
  points: (settings) => shapes(settings).map((shape) => paced({ ...shape, probes: true }, settings)),
};

function shapes({ streams, rate, survey }: Settings): readonly PacedShape[] {
  if (streams !== undefined) return [{ streams, rate: rate ?? 50 }];
  const all = [
    { streams: 0, rate: 0 },
    { streams: 20, rate: 50 },
    { streams: 100, rate: 50 },
    { streams: 1000, rate: 10 },
  ];
  return survey ? all.slice(2) : all;
}
