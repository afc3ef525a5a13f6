/** The one place of money arithmetic: prices and amounts in whole numbers, so that sums are exact. */
import type { Price } from "./price.ts";
import type { TokenCounts } from "./usage.ts";

/** Billionths in one of the price's currency. Whole numbers of them add up exactly, which fractions of it do not. */
export const NANO = 1_000_000_000;

/** Prices are per million tokens. */
const TOKENS = 1_000_000;

/** An amount of the currency in billionths, to the nearest: what binary fractions cannot hold of a decimal is rounded away. */
export const toNano = (amount: number): number => Math.round(amount * NANO);

/** Billionths as an amount of the currency. For display: add up billionths first. */
export const fromNano = (nano: number): number => nano / NANO;

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

/** An amount for each kind of token that has a price of its own: tokens, or billionths. `input` excludes cached input. */
export interface ByKind {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
}

/** Reported tokens by kind; unreported ones are 0. Input is never negative, even if a provider's figures do not add up. */
export function byKind(counts: TokenCounts): ByKind {
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0 } = counts;
  return {
    input: Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens),
    cacheRead: cacheReadTokens,
    cacheWrite: cacheWriteTokens,
    output: outputTokens,
  };
}

/** The cost of one token: `nano` billionths and `rest` millionths of a billionth. */
interface TokenPrice {
  readonly nano: number;
  readonly rest: number;
}

function tokenPrice(perMillion: number): TokenPrice {
  const nanoPerMillion = toNano(perMillion);
  return { nano: Math.floor(nanoPerMillion / TOKENS), rest: nanoPerMillion % TOKENS };
}

/**
 * A model's price in whole numbers. Costs are whole billionths, rounded once and half up; they are exact below 2^53
 * billionths and for fewer than nine billion tokens, above that as exact as a double. Cached input without a price of
 * its own costs what input does.
 */
export class Tariff {
  readonly #input: TokenPrice;
  readonly #cacheRead: TokenPrice;
  readonly #cacheWrite: TokenPrice;
  readonly #output: TokenPrice;

  constructor({ input, output, cacheRead = input, cacheWrite = input }: Price) {
    this.#input = tokenPrice(input);
    this.#cacheRead = tokenPrice(cacheRead);
    this.#cacheWrite = tokenPrice(cacheWrite);
    this.#output = tokenPrice(output);
  }

  /** What one token of input and one of output cost: whole billionths, and millionths of one beside them. */
  get rates(): readonly [inputNano: number, inputRest: number, outputNano: number, outputRest: number] {
    return [this.#input.nano, this.#input.rest, this.#output.nano, this.#output.rest];
  }

  /** The cost of these tokens together, in billionths. `input` excludes cached input. On the hot path of capped keys. */
  cost(input: number, output: number, cacheRead = 0, cacheWrite = 0): number {
    const nano =
      input * this.#input.nano +
      cacheRead * this.#cacheRead.nano +
      cacheWrite * this.#cacheWrite.nano +
      output * this.#output.nano;
    const rest =
      input * this.#input.rest +
      cacheRead * this.#cacheRead.rest +
      cacheWrite * this.#cacheWrite.rest +
      output * this.#output.rest +
      TOKENS / 2;
    return nano + (rest - (rest % TOKENS)) / TOKENS;
  }

  /** The cost of each kind of token, rounded for itself, in billionths. */
  costByKind({ input, cacheRead, cacheWrite, output }: ByKind): ByKind {
    return {
      input: this.cost(input, 0),
      cacheRead: this.cost(0, 0, cacheRead),
      cacheWrite: this.cost(0, 0, 0, cacheWrite),
      output: this.cost(0, output),
    };
  }

  /** The most output tokens, up to `atMost`, that can be paid for beside this input with `nano` billionths; 0 for none. */
  affordableOutput(nano: number, input: number, atMost: number): number {
    let fits = 0;
    let most = atMost;
    while (fits < most) {
      const middle = Math.ceil((fits + most) / 2);
      if (this.cost(input, middle) <= nano) fits = middle;
      else most = middle - 1;
    }
    return fits;
  }
}

/**
 * What a stream costs, in billionths of the price's currency. Reasoning is part of the output. Undefined without both
 * figures.
 */
export function costOf(counts: TokenCounts, price: Price): number | undefined {
  if (counts.inputTokens === undefined || counts.outputTokens === undefined) return undefined;
  const { input, output, cacheRead, cacheWrite } = byKind(counts);
  return new Tariff(price).cost(input, output, cacheRead, cacheWrite);
}
