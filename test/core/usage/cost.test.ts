import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { byKind, costOf, formatNano, fromNano, NANO, Tariff, toNano } from "../../../src/core/usage/cost.ts";
import { MAX_PRICE } from "../../../src/core/usage/price.ts";

describe("a stream's cost", () => {
  test.each([
    ["input and output", { inputTokens: 1_000_000, outputTokens: 1_000_000 }, { input: 3, output: 15 }, 18 * NANO],
    ["nothing used", { inputTokens: 0, outputTokens: 0 }, { input: 3, output: 15 }, 0],
    ["a free model", { inputTokens: 5, outputTokens: 5 }, { input: 0, output: 0 }, 0],
    [
      "cached input, at its own prices",
      { inputTokens: 100, outputTokens: 0, cacheReadTokens: 60, cacheWriteTokens: 30 },
      { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
      10 * 3_000 + 60 * 300 + 30 * 3_750,
    ],
    [
      "cached input, without prices of its own",
      { inputTokens: 100, outputTokens: 0, cacheReadTokens: 60, cacheWriteTokens: 30 },
      { input: 3, output: 15 },
      300_000,
    ],
    [
      "reasoning, as part of the output",
      { inputTokens: 0, outputTokens: 10, reasoningTokens: 8 },
      { input: 3, output: 15 },
      150_000,
    ],
    [
      "more cached input than input",
      { inputTokens: 10, outputTokens: 0, cacheReadTokens: 20 },
      { input: 3, output: 15, cacheRead: 1 },
      20_000,
    ],
    [
      "prices that binary fractions cannot hold",
      { inputTokens: 1, outputTokens: 1 },
      { input: 1.1, output: 0.075 },
      1_175,
    ],
    ["half a billionth, which counts as one", { inputTokens: 1, outputTokens: 0 }, { input: 0.0005, output: 0 }, 1],
    ["less than half a billionth", { inputTokens: 1, outputTokens: 0 }, { input: 0.000499, output: 0 }, 0],
  ])("of %s", (_, counts, price, nano) => {
    expect(costOf(counts, price)).toBe(nano);
  });

  test("is undefined unless input and output are known", () => {
    expect(costOf({ inputTokens: 5 }, { input: 3, output: 15 })).toBeUndefined();
    expect(costOf({}, { input: 3, output: 15 })).toBeUndefined();
  });

  test("is exact up to the highest price and billions of tokens", () => {
    const tokens = fc.nat(2_000_000_000);
    const perMillion = fc.oneof(fc.nat(MAX_PRICE), fc.nat(1_000_000_000).map(fromNano));
    const price = fc.record({ input: perMillion, output: perMillion, cacheRead: perMillion, cacheWrite: perMillion });
    fc.assert(
      fc.property(price, tokens, tokens, tokens, tokens, (each, input, output, cacheRead, cacheWrite) => {
        const counts = {
          inputTokens: input,
          outputTokens: output,
          cacheReadTokens: cacheRead,
          cacheWriteTokens: cacheWrite,
        };
        const kinds = byKind(counts);
        const millionths = (["input", "output", "cacheRead", "cacheWrite"] as const).reduce(
          (sum, kind) => sum + BigInt(kinds[kind]) * BigInt(toNano(each[kind])),
          0n,
        );
        const exact = (millionths + 500_000n) / 1_000_000n;
        fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER));
        expect(costOf(counts, each)).toBe(Number(exact));
      }),
    );
  });

  test("equals exact fractions rounded once", () => {
    const tokens = fc.nat(10_000_000);
    const millionths = fc.nat(100_000_000);
    fc.assert(
      fc.property(tokens, tokens, millionths, millionths, (input, output, inputPrice, outputPrice) => {
        const cost = costOf(
          { inputTokens: input, outputTokens: output },
          { input: inputPrice / 1e6, output: outputPrice / 1e6 },
        );
        // Prices of whole millionths make whole thousandths of a billionth each token.
        const thousandths = BigInt(input) * BigInt(inputPrice) + BigInt(output) * BigInt(outputPrice);
        expect(BigInt(cost ?? -1)).toBe((thousandths + 500n) / 1_000n);
      }),
    );
  });
});

describe("a tariff", () => {
  test("rounds the cost of each kind separately, and the total once", () => {
    const tariff = new Tariff({ input: 0.0004, output: 0.0004, cacheRead: 0.0004 });
    const kinds = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
    expect(tariff.costByKind(kinds)).toEqual({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 });
    expect(tariff.cost(1, 1, 1, 1)).toBe(2);
  });

  test("affords the most output tokens that the amount can pay for", () => {
    const price = fc.nat(200_000_000).map((nano) => nano / 1e6);
    fc.assert(
      fc.property(
        price,
        price,
        fc.nat(100_000),
        fc.nat(10_000_000),
        fc.nat(NANO),
        (input, output, prompt, most, nano) => {
          const tariff = new Tariff({ input, output });
          const affordable = tariff.affordableOutput(nano, prompt, most);
          expect(affordable).toBeLessThanOrEqual(most);
          if (affordable > 0) expect(tariff.cost(prompt, affordable)).toBeLessThanOrEqual(nano);
          if (affordable < most) expect(tariff.cost(prompt, affordable + 1)).toBeGreaterThan(nano);
        },
      ),
    );
  });

  test("affords everything without a limit, and at a price of zero", () => {
    expect(new Tariff({ input: 3, output: 15 }).affordableOutput(Number.POSITIVE_INFINITY, 1_000, 500)).toBe(500);
    expect(new Tariff({ input: 0, output: 0 }).affordableOutput(0, 1_000, 500)).toBe(500);
  });
});

test("an amount keeps its billionths when converted to the currency and back", () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 50 }), (nano) => expect(toNano(fromNano(nano))).toBe(nano)));
});

test.each([
  [0, "0"],
  [1, "0.000000001"],
  [4_500_000, "0.0045"],
  [NANO, "1"],
  [12 * NANO + 340_000_000, "12.34"],
  [Number.MAX_SAFE_INTEGER, "9007199.254740991"],
])("%d billionths are %s", (nano, text) => {
  expect(formatNano(nano)).toBe(text);
});
