import { paced } from "./paced.ts";
import type { Scenario } from "./scenario.ts";

/** Request to first content while other streams run: alone, as a small team, a busy node, a full one. */
export const ttft: Scenario = {
  name: "ttft",
  title: "Time to first token: request written → first content at the client, while other streams run",
  columns: [
    { metric: "ttftP50Us", label: "p50 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "ttftP50Us", label: "added p50", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftP90Us", label: "added p90", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftP99Us", label: "added p99", digits: 2, divisor: 1000, overDirect: true, better: "less" },
    { metric: "ttftCount", label: "requests", digits: 0 },
  ],
  points: (settings) =>
    settings.streams === undefined
      ? [
          paced({ streams: 0, rate: 0 }, settings),
          paced({ streams: 20, rate: 50 }, settings),
          paced({ streams: 100, rate: 50 }, settings),
          paced({ streams: 1000, rate: 10 }, settings),
        ]
      : [paced({ streams: settings.streams, rate: settings.rate ?? 50 }, settings)],
};
