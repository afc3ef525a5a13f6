import { Histogram } from "../figures/histogram.ts";
import { percentiles } from "../figures/percentiles.ts";
import { isGateway, type Row } from "../rows/row.ts";
import { shares } from "../runner/load-record.ts";
import { fewRuns, type Point, type Scenario, type Settings } from "./scenario.ts";

/** WebSocket handshakes, and the pages beside the streams. */
export const http: Scenario = {
  name: "http",
  title: "Requests: the rate that 10 connections get answered, one at a time each",
  columns: [
    { metric: "requestsPerSecond", label: "requests/s", digits: 0, better: "more" },
    { metric: "requestP50Us", label: "p50 ms", digits: 2, divisor: 1000, better: "less" },
    { metric: "cpuUsPerRequest", label: "CPU µs/request", digits: 0, better: "less" },
    { metric: "failed", label: "failed", digits: 0, better: "less" },
  ],
  points: (settings) => [
    requests("WebSocket handshakes", undefined, settings, (row) => isGateway(row) && row.protocol === "sluice"),
    requests("GET /healthz", "/healthz", settings, (row) => row.pages ?? false),
    requests("GET /", "/", settings, (row) => row.pages ?? false),
  ],
};

const requests = (name: string, path: string | undefined, settings: Settings, suits: (row: Row) => boolean): Point => ({
  id: `http ${name}`,
  name,
  suits,
  // autocannon counts whole seconds.
  seconds: Math.max(1, settings.windowMs / 1000) + 1,
  runs: fewRuns(settings),
  measure: async (stage, row) => {
    const windowMs = Math.max(1000, settings.windowMs);
    const { client, cpu } = await stage.observe(row, (asker, target) =>
      asker.ask("requests", { target, path, windowMs }),
    );
    return {
      metrics: {
        requestsPerSecond: (client.requests / client.windowUs) * 1e6,
        ...percentiles("request", Histogram.from(client.latency)),
        ...(cpu.gatewayUs !== undefined && { cpuUsPerRequest: cpu.gatewayUs / client.requests }),
        ...shares(cpu, client.windowUs),
        failed: client.failed,
      },
    };
  },
});
