import { numberOf } from "../../core/kernel/exact-number.ts";
import type { TokenCounts } from "../../core/usage/usage.ts";

/** A number of tokens; undefined for anything else: null, fractions, negative numbers, strings. */
export function asCount(value: unknown): number | undefined {
  const count = numberOf(value);
  return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/**
 * The latest value of a figure that a stream repeats. Zero does not replace a figure: some servers report figures at the
 * start and zeros at the end.
 */
export const laterCount = (before: number | undefined, value: unknown): number | undefined =>
  asCount(value) || (before ?? asCount(value));

/** The largest of several values for one figure; undefined if none is a count. */
export function largestCount(...values: readonly unknown[]): number | undefined {
  let largest: number | undefined;
  for (const value of values) {
    const count = asCount(value);
    if (count !== undefined && (largest === undefined || count > largest)) largest = count;
  }
  return largest;
}

/** The counts that are defined; undefined if none is. */
export function tokenCounts(
  given: { readonly [Name in keyof TokenCounts]: number | undefined },
): TokenCounts | undefined {
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(given)) if (count !== undefined) counts[name] = count;
  return Object.keys(counts).length > 0 ? counts : undefined;
}
