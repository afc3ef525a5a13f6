import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { costOf, formatNano, NANO } from "../../../src/core/usage/cost.ts";

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

  test("is unknown without both figures", () => {
    expect(costOf({ inputTokens: 5 }, { input: 3, output: 15 })).toBeUndefined();
    expect(costOf({}, { input: 3, output: 15 })).toBeUndefined();
  });

  test("is what exact fractions give, rounded once", () => {
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
