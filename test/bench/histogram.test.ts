import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Histogram } from "../../bench/figures/histogram.ts";

const filled = (values: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
};

const exact = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;

describe("the histogram", () => {
  test("gives every quantile accurate to a thousandth of its value", () => {
    const values = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
        const wanted = exact(given, share);
        expect(Math.abs(filled(given).quantile(share) - wanted)).toBeLessThanOrEqual(wanted / 1000);
      }),
    );
  });

  test("survives a round trip as data, and adds up", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5e6)), fc.array(fc.nat(5e6)), (first, second) => {
        const sum = Histogram.from(filled(first).toData());
        sum.add(filled(second).toData());
        expect(sum.toData()).toEqual(filled([...first, ...second]).toData());
      }),
    );
  });

  test("keeps the least and the greatest value exactly", () => {
    const histogram = filled([1_234_567, 7, 98_765_432]);
    expect([histogram.min, histogram.max, histogram.quantile(0), histogram.quantile(1)]).toEqual([
      7, 98_765_432, 7, 98_765_432,
    ]);
  });

  test("counts negative values as zero, and too large ones as the largest", () => {
    const histogram = filled([-5, 2 ** 40]);
    expect([histogram.min, histogram.max]).toEqual([0, 2 ** 31 - 1]);
  });

  test("has no quantiles without values", () => {
    expect([new Histogram().quantile(0.5), new Histogram().mean(), new Histogram().min]).toEqual([0, 0, 0]);
  });
});
