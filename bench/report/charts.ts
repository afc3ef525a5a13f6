import type { BenchDocument } from "../figures/document.ts";
import { QUANTILES } from "../figures/percentiles.ts";
import type { PointResult } from "../figures/record.ts";
import { spreadOf } from "../figures/spread.ts";
import { type Chart, type Dot, type Line, renderChart } from "./line-chart.ts";

const SECOND_MS = 1000;

/** The plots of one scenario; none if the table says everything. */
export function chartsOf(scenario: string, document: BenchDocument): string {
  const results = document.results.filter((result) => result.scenario === scenario && result.runs.length > 0);
  const colourOf = coloursIn(document);
  if (scenario === "ttft") return firstTokens(results, colourOf);
  if (scenario === "relay") return latencies(results, colourOf) + loads(results, colourOf);
  if (scenario === "backpressure") return memories(results, colourOf);
  return "";
}

type ColourOf = (name: string) => number;

const coloursIn =
  (document: BenchDocument): ColourOf =>
  (name) =>
    document.rows.findIndex((row) => row.name === name);

const pointsOf = (results: readonly PointResult[]): string[] => [...new Set(results.map(({ point }) => point))];
const rowsOf = (results: readonly PointResult[]): string[] => [...new Set(results.map(({ row }) => row))];

const medianOf = ({ runs }: PointResult, metric: string) =>
  spreadOf(runs.map(({ metrics }) => metrics[metric] ?? Number.NaN));

function firstTokens(results: readonly PointResult[], colourOf: ColourOf): string {
  const names = pointsOf(results);
  const lines = rowsOf(results).map((row) => ({
    name: row,
    marked: true,
    dots: results.flatMap((result): Dot[] => {
      const spread = result.row === row ? medianOf(result, "ttftP50Us") : undefined;
      if (!spread) return [];
      const [y, from, to] = [spread.median, spread.min, spread.max].map((us) => us / SECOND_MS);
      return [{ x: names.indexOf(result.point), y: y ?? 0, from: from ?? 0, to: to ?? 0 }];
    }),
  }));
  const y = { label: "p50, ms (bars: spread of the runs)", kind: "log" } as const;
  // The rate would not fit below the axis; the tables have it.
  const x = { label: "running meanwhile", names: names.map((name) => name.replace(/,.*/, "")) };
  return renderChart({ title: "Time to first token", x, y, lines, colourOf });
}

function latencies(results: readonly PointResult[], colourOf: ColourOf): string {
  return pointsOf(results)
    .map((point) => renderChart(latencyChart(results, point, colourOf)))
    .join("\n");
}

function latencyChart(results: readonly PointResult[], point: string, colourOf: ColourOf): Chart {
  const lines = results.filter((result) => result.point === point).map((result) => distribution(result));
  const x = { label: "µs from the upstream's write to the client's read", kind: "log" } as const;
  const y = { label: "share of events", kind: "linear" } as const;
  return { title: `Latency of each event: ${point}`, x, y, lines, colourOf };
}

/** The latency distribution at the first point of `relay`. Throws if it was not measured. */
export function firstLatencyChart(document: BenchDocument): Chart {
  const results = document.results.filter(({ scenario, runs }) => scenario === "relay" && runs.length > 0);
  const [first] = results;
  if (!first) throw new Error("relay was not measured");
  return latencyChart(results, first.point, coloursIn(document));
}

/** The median over the runs at each share. */
function distribution({ row, runs }: PointResult): Line {
  const kept = runs.flatMap(({ quantiles }) => (quantiles?.latency ? [quantiles.latency] : []));
  const dots = QUANTILES.flatMap((share, index): Dot[] => {
    const spread = spreadOf(kept.map((values) => values[index] ?? Number.NaN));
    return spread ? [{ x: spread.median, y: share }] : [];
  });
  return { name: row, dots };
}

function loads(results: readonly PointResult[], colourOf: ColourOf): string {
  const lines = rowsOf(results).map((row): Line => {
    const dots = results
      .filter((result) => result.row === row)
      .flatMap((result): Dot[] => {
        const rate = medianOf(result, "eventsPerSecond");
        const cpu = medianOf(result, "gatewayCpuPercent");
        return rate && cpu ? [{ x: rate.median, y: cpu.median, from: cpu.min, to: cpu.max }] : [];
      })
      .sort((a, b) => a.x - b.x);
    return { name: row, dots, marked: true };
  });
  const x = { label: "events/s that arrived", kind: "linear" } as const;
  const y = { label: "% of the gateway's core", kind: "linear" } as const;
  return renderChart({ title: "Throughput against CPU", x, y, lines, colourOf });
}

function memories(results: readonly PointResult[], colourOf: ColourOf): string {
  return pointsOf(results)
    .map((point) => {
      const lines = results
        .filter((result) => result.point === point)
        .map(({ row, runs }): Line => {
          const rss = runs.at(-1)?.series?.rssMiB ?? [];
          return { name: row, dots: rss.map(([ms, mib]) => ({ x: ms / SECOND_MS, y: mib })) };
        });
      const x = { label: "seconds", kind: "linear" } as const;
      const y = { label: "resident MiB", kind: "linear" } as const;
      return renderChart({ title: `Memory of the gateway: ${point}`, x, y, lines, colourOf });
    })
    .join("\n");
}
