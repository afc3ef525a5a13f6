import { describe, expect, test } from "@jest/globals";
import type { BenchDocument, Column } from "../../bench/figures/document.ts";
import { changesBetween, differencesOf, renderChanges } from "../../bench/report/compare.ts";
import { renderReport } from "../../bench/report/html.ts";

const CPU: Column = { metric: "cpuUsPerEvent", label: "CPU µs/event", digits: 1, better: "less" };

const document = (values: readonly number[], column = CPU): BenchDocument => ({
  format: 1,
  date: "2026-11-22T12:00:00.000Z",
  command: "npm run bench -- relay",
  machine: { cpu: "a <fast> one", cores: 2, memoryGiB: 8, kernel: "Linux 6", node: "24.0.0" },
  method: ["rows take turns"],
  rows: [{ name: "sluice", what: "this gateway", version: "1" }],
  scenarios: [{ name: "relay", title: "Relay", columns: [column] }],
  results: [
    {
      scenario: "relay",
      point: "100 streams",
      row: "sluice",
      runs: values.map((value) => ({
        metrics: { [column.metric]: value },
        quantiles: { latency: [1, 2, 3] },
      })),
    },
  ],
  warnings: [],
});

const judged = (before: readonly number[], after: readonly number[], column = CPU) =>
  changesBetween(document(before, column), document(after, column)).map(({ judgement, percent }) => [
    judgement,
    Math.round(percent),
  ]);

describe("a comparison", () => {
  test("treats overlapping ranges as equal", () => {
    expect(judged([100, 110, 120], [90, 95, 101])).toEqual([["same", -14]]);
  });

  test("calls less of a figure that should be low better, and more of it worse", () => {
    expect(judged([100, 110, 120], [50, 55, 60])).toEqual([["better", -50]]);
    expect(judged([50, 55, 60], [100, 110, 120])).toEqual([["worse", 100]]);
  });

  test("calls more of a figure that should be high better", () => {
    expect(judged([10], [20], { ...CPU, better: "more" })).toEqual([["better", 100]]);
  });

  test("omits figures that only one document has", () => {
    expect(changesBetween(document([1]), { ...document([1]), results: [] })).toEqual([]);
    expect(changesBetween({ ...document([1]), results: [] }, document([1]))).toEqual([]);
  });

  test("names conditions that differ; results without a note had the payload fixed", () => {
    const noted = (payload: string) => ({ ...document([1]), conditions: { payload, cpus: "core" } });
    expect(differencesOf(noted("openai"), noted("openai"))).toEqual([]);
    expect(differencesOf(document([1]), noted("fixed"))).toEqual([]);
    expect(differencesOf(document([1]), noted("openai"))).toEqual([
      "Different conditions: payload was fixed, then openai.",
    ]);
  });

  test("shows both ranges and marks noise", () => {
    const text = renderChanges(changesBetween(document([100, 110, 120]), document([90, 95, 101])));
    expect(text).toContain("110.0 (100.0–120.0)");
    expect(text).toContain("95.0 (90.0–101.0)");
    expect(text).toContain("within the noise");
  });
});

describe("the report", () => {
  const html = renderReport(document([1, 2, 3]));

  test("loads nothing and runs no script", () => {
    expect(html).not.toMatch(/<script|<link|src=|url\(|https?:/);
  });

  test("escapes text", () => {
    expect(html).toContain("a &lt;fast&gt; one");
  });

  test("draws a line per row", () => {
    expect(html).toMatch(/<g class="c0"><title>sluice<\/title><path class="line" d="M/);
  });
});
