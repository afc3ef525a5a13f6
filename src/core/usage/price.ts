/** The highest price there is: its billionths, 2^53 of them at most, are still a whole number. */
export const MAX_PRICE = 9_000_000;

/** A model's price in the operator's currency per million tokens, each from 0 to `MAX_PRICE`. */
export interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite?: number | undefined;
}
