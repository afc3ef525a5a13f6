import type { Price } from "./price.ts";
import type { TokenCounts } from "./usage.ts";

/** Billionths in one of the price's currency. Whole numbers of them add up exactly, which fractions of it do not. */
export const NANO = 1_000_000_000;

/** Prices are per million tokens. */
const TOKENS = 1_000_000n;

/** To nine decimals: no price has more, and what JSON cannot hold of a decimal is rounded away. */
const nanoPerMillion = (price: number): bigint => BigInt(Math.round(price * NANO));

/**
 * What a stream costs, in whole billionths of the price's currency, rounded once and half up. Cached input counts at its
 * own prices, or as input without them; reasoning is part of the output. Undefined without both figures.
 */
export function costOf(counts: TokenCounts, price: Price): number | undefined {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = counts;
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const kinds = [
    // Providers whose figures do not add up are not paid for it.
    [Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens), price.input],
    [cacheReadTokens, price.cacheRead ?? price.input],
    [cacheWriteTokens, price.cacheWrite ?? price.input],
    [outputTokens, price.output],
  ] as const;
  const sum = kinds.reduce((total, [tokens, each]) => total + BigInt(tokens) * nanoPerMillion(each), 0n);
  return Number((sum + TOKENS / 2n) / TOKENS);
}

/** Billionths as a decimal of the currency, without superfluous zeros: `0.0045`. */
export function formatNano(nano: number): string {
  const [whole, fraction = ""] = [
    Math.floor(nano / NANO),
    String(nano % NANO)
      .padStart(9, "0")
      .replace(/0+$/, ""),
  ];
  return fraction === "" ? String(whole) : `${whole}.${fraction}`;
}
