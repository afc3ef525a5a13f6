import { describe, expect, test } from "@jest/globals";
import { Histogram } from "../../bench/figures/histogram.ts";
import { percentiles } from "../../bench/figures/percentiles.ts";

const upTo = (count: number): Histogram => {
  const histogram = new Histogram();
  for (let value = 1; value <= count; value++) histogram.record(value);
  return histogram;
};

describe("the percentiles of a run", () => {
  test("are the values that the share of all events does not exceed", () => {
    expect(percentiles("latency", upTo(1000))).toEqual({
      latencyP50Us: 500,
      latencyP90Us: 900,
      latencyP99Us: 990,
      latencyP999Us: 999,
      latencyMaxUs: 1000,
      latencyCount: 1000,
    });
  });

  test("p99.9 is the greatest value while there are fewer than a thousand", () => {
    expect(percentiles("ttft", upTo(150))).toMatchObject({ ttftP99Us: 149, ttftP999Us: 150 });
  });

  test("are absent without events", () => {
    expect(percentiles("ttft", new Histogram())).toEqual({});
  });
});
