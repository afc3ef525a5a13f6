import { numberOf } from "../core/kernel/exact-number.ts";
import type { TokenCounts } from "../core/usage/usage.ts";

/** A number of tokens, or undefined for anything that cannot be one: null, fractions, negative figures, text. */
export function asCount(value: unknown): number | undefined {
  const count = numberOf(value);
  return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/**
 * The newest of a cumulative count. A zero behind a figure is none: some servers end a stream with zeros for what they
 * said at its start.
 */
export const laterCount = (before: number | undefined, value: unknown): number | undefined =>
  asCount(value) || (before ?? asCount(value));

/** The counts a provider gave, without the ones it left out; undefined when it gave none. */
export function tokenCounts(
  given: { readonly [Name in keyof TokenCounts]: number | undefined },
): TokenCounts | undefined {
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(given)) if (count !== undefined) counts[name] = count;
  return Object.keys(counts).length > 0 ? counts : undefined;
}
