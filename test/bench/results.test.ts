import { describe, expect, test } from "@jest/globals";
import { readBenchCommand } from "../../bench/command-line.ts";
import type { BenchDocument } from "../../bench/figures/document.ts";
import type { PointResult } from "../../bench/figures/record.ts";
import { warningsOf } from "../../bench/figures/warnings.ts";
import { AIMS, aimsIn } from "../../bench/report/aims.ts";
import { renderMarkdown } from "../../bench/report/markdown.ts";
import { remarkOf } from "../../bench/report/table.ts";
import { ROWS } from "../../bench/rows/catalogue.ts";
import { gaugesIn } from "../../bench/runner/gauges.ts";
import { aims } from "../../bench/scenarios/aims.ts";

const SMALL = "cold: 100 streams, 5000 events/s";

/** A row's runs at a point, each with one value of a figure. */
const result = (row: string, metric: string, values: readonly number[], point = SMALL): PointResult => ({
  scenario: "cold",
  point,
  row,
  runs: values.map((value) => ({ metrics: { [metric]: value } })),
});

const FIVE = [9, 10, 11, 10, 10];

describe("an aim", () => {
  const judged = (...results: PointResult[]) => aimsIn(results).map(({ ratio, reached }) => [ratio, reached]);

  test("compares the medians of the runs, not their extremes", () => {
    expect(judged(result("sluice", "cpuUsPerEvent", [14, 13, 99]), result("floor", "cpuUsPerEvent", FIVE))).toEqual([
      [1.4, true],
    ]);
  });

  test("is not reached above its multiple of the floor", () => {
    expect(judged(result("sluice", "latencyP99Us", [21]), result("floor", "latencyP99Us", FIVE))).toEqual([
      [2.1, false],
    ]);
  });

  test("is left out if the floor was not measured", () => {
    expect(judged(result("sluice", "latencyP99Us", [21]))).toEqual([]);
  });

  test("on a figure over direct subtracts the median of direct", () => {
    const point = "cold: 20 streams, 1000 events/s, first tokens";
    const found = aimsIn([result("sluice", "ttftP50Us", [600], point), result("direct", "ttftP50Us", [250], point)]);
    expect(found.map(({ sluice, reached }) => [sluice.median.toFixed(2), reached])).toEqual([["0.35", true]]);
  });

  test("of a least rate is not reached below it", () => {
    expect(judged(result("sluice", "eventsPerSecond", [999_999], "unthrottled, 64 streams"))).toEqual([
      [undefined, false],
    ]);
  });
});

describe("the scenario of the aims", () => {
  test("has a point and the needed rows for every aim", () => {
    const points = aims.points(readBenchCommand(["aims"]).settings);
    for (const { point: name, row, limit, overDirect } of AIMS) {
      const point = points.find((one) => one.name === name);
      const rows = ROWS.filter((one) => point?.suits(one)).map((one) => one.name);
      const compared = [...("timesFloor" in limit ? ["floor"] : []), ...(overDirect ? ["direct"] : [])];
      expect(rows).toEqual(expect.arrayContaining([row, ...compared]));
    }
  });
});

describe("the Markdown of some results", () => {
  const document: BenchDocument = {
    format: 1,
    date: "2026-11-28T12:00:00.000Z",
    command: "npm run bench -- cold",
    machine: { cpu: "one", cores: 2, memoryGiB: 8, kernel: "Linux 6", node: "24.0.0" },
    method: ["loopback", "gateway on one core"],
    rows: [],
    scenarios: [
      {
        name: "cold",
        title: "Cold",
        columns: [
          { metric: "cpuUsPerEvent", label: "CPU", digits: 1 },
          { metric: "ttftP99Us", label: "TTFT", digits: 0 },
        ],
      },
    ],
    results: [result("floor", "cpuUsPerEvent", FIVE), result("sluice", "cpuUsPerEvent", [20, 21, 25])],
    warnings: ["a loud neighbour"],
  };
  const text = renderMarkdown(document);

  test("has the date, the command, the machine and how gateways were placed", () => {
    expect(text).toMatch(/^Measured on 2026-11-28 with `npm run bench -- cold`: one, 2 cores.*gateway on one core\.$/m);
  });

  test("shows each figure with its spread, and no column that is empty", () => {
    expect(text).toMatch(/^\| sluice +\| 21\.0 \(20\.0–25\.0\) +\|$/m);
    expect(text).not.toContain("TTFT");
  });

  test("shows aims that were not reached as such, and the warnings", () => {
    expect(text).toMatch(/21\.0 \(20\.0–25\.0\) = 2\.10 x .*\*\*not reached\*\*/);
    expect(text).toContain("- a loud neighbour");
  });
});

describe("a row's remark", () => {
  test("counts refusals by their code over all runs", () => {
    const runs = [
      { metrics: {}, failures: { "error overloaded": 2 } },
      { metrics: {}, failures: { "error overloaded": 3, "HTTP 503": 1 } },
    ];
    expect(remarkOf({ scenario: "", point: "", row: "", runs })).toBe(
      "error overloaded: 5 in 2 runs; HTTP 503: 1 in 2 runs",
    );
  });
});

describe("the warnings", () => {
  const runs = (row: string, metrics: Record<string, number>, count = 5): PointResult => ({
    scenario: "unthrottled",
    point: "p",
    row,
    runs: Array.from({ length: count }, () => ({ metrics })),
  });

  test("name the harness if its core is full, whether one process fills it or both", () => {
    expect(warningsOf([runs("floor", { upstreamCpuPercent: 20, clientCpuPercent: 95 })], true)).toEqual([
      "p, floor: the harness is saturated, so the row may be faster than this: the client used 95 % of its core",
    ]);
    const both = runs("floor", { upstreamCpuPercent: 46, clientCpuPercent: 46 });
    expect(warningsOf([both], true)).toHaveLength(1);
    expect(warningsOf([both], false)).toEqual([]);
  });

  test("name a row that is as fast as the upstream read directly", () => {
    const found = warningsOf(
      [runs("direct", { eventsPerSecond: 1000 }), runs("floor", { eventsPerSecond: 950 })],
      false,
    );
    expect(found).toEqual(["p, floor: as fast as the harness itself (1000 events/s)"]);
    const probed = { eventsPerSecond: 0 };
    expect(warningsOf([runs("direct", probed), runs("floor", probed)], false)).toEqual([]);
    const paced = { eventsPerSecond: 1000, offeredPerSecond: 1000 };
    expect(warningsOf([runs("direct", paced), runs("floor", paced)], false)).toEqual([]);
  });

  test("say so if a high percentile comes from fewer than five runs", () => {
    expect(warningsOf([runs("floor", { latencyP99Us: 5 }, 4)], false)).toEqual([
      "1 of 1 measurements have fewer than 5 runs: their p99 and p99.9 say little",
    ]);
    expect(warningsOf([runs("floor", { latencyP99Us: 5 })], false)).toEqual([]);
  });
});

describe("a gateway's gauges", () => {
  test("are the values without labels", () => {
    const text = '# HELP a b\nnodejs_heap_size_used_bytes 2.5e+7\nsluice_info{version="1"} 1\n';
    expect(gaugesIn(text)).toEqual({ nodejs_heap_size_used_bytes: 25_000_000 });
  });
});
