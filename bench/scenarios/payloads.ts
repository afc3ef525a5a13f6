import { PAYLOAD_NAMES, shapeOf } from "../payload/shape.ts";
import { speaks } from "../rows/row.ts";
import { paced } from "./paced.ts";
import type { Scenario } from "./scenario.ts";

/** The same load with each payload: what it costs that events differ in more than their text. */
export const payloads: Scenario = {
  name: "payloads",
  title: "Payloads: the same load as different providers write it",
  columns: [
    { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 1, better: "less" },
    { metric: "latencyP50Us", label: "p50 µs", digits: 0, better: "less" },
    { metric: "latencyP99Us", label: "p99 µs", digits: 0, better: "less" },
    { metric: "latencyP999Us", label: "p99.9 µs", digits: 0, better: "less" },
    { metric: "gatewayCpuPercent", label: "core %", digits: 0, better: "less" },
    { metric: "clientCpuPercent", label: "client %", digits: 0 },
  ],
  points: (settings) => {
    const { streams = 100, rate = 50 } = settings;
    // A survey shows the default one in its other scenarios.
    const names = settings.survey ? [] : PAYLOAD_NAMES;
    return names.map((payload) => {
      const point = paced({ streams, rate, burst: 8 }, { ...settings, payload });
      return {
        ...point,
        id: `${point.id} ${payload}`,
        name: `${payload}: ${point.name}`,
        suits: (row) => point.suits(row) && speaks(row, shapeOf(payload).api),
      };
    });
  },
};
