import { describe, expect, test } from "@jest/globals";
import { spreadOf } from "../../bench/figures/spread.ts";

describe("the spread of some runs", () => {
  test("is their median with the least and the most", () => {
    expect(spreadOf([5, 1, 9, 2, 3])).toEqual({ median: 3, min: 1, max: 9 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test("omits runs without the figure", () => {
    expect(spreadOf([Number.NaN, 2])).toEqual({ median: 2, min: 2, max: 2 });
    expect(spreadOf([Number.NaN])).toBeUndefined();
  });
});
