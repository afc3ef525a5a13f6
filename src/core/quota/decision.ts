import type { GatewayError } from "../kernel/errors.ts";
import { Tariff } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import type { Payer } from "./payer.ts";
import type { QuotaStatus } from "./quota.ts";
import { capExceeded, minuteIsFull, neverFits, noPrice, setAside, tooManyStreams } from "./refusal.ts";

/** What a new stream asks for. */
export interface Ask {
  /** An estimate. */
  readonly promptTokens: number;
  /** The most output the request permits; undefined if it states no limit. */
  readonly outputTokens: number | undefined;
  readonly price: Price | undefined;
  /** Called when other streams have used the cap up: this one must end now. */
  readonly cut: (error: GatewayError) => void;
}

/** Reserved for the output of a request that states no limit. A longer response uses more as it grows. */
const UNSTATED_OUTPUT_TOKENS = 8_192;

/** Less output is not worth its prompt, and the Responses API accepts no smaller limit. */
const LEAST_OUTPUT_TOKENS = 16;

/** No model writes more. Keeps sums of reservations exact integers, whatever limits requests state. */
const MOST_OUTPUT_TOKENS = 10_000_000;

const FREE = new Tariff({ input: 0, output: 0 });

/** An ask in the terms of a decision: tokens. */
export interface Wish {
  readonly promptTokens: number;
  /** The most output to set aside. */
  readonly asked: number;
  /** The least output with which the stream may run. */
  readonly least: number;
  readonly tariff: Tariff;
}

/** What an ask comes to. */
export function wishOf({ promptTokens, outputTokens = UNSTATED_OUTPUT_TOKENS, price }: Ask): Wish {
  const asked = Math.min(outputTokens, MOST_OUTPUT_TOKENS);
  const tariff = price ? new Tariff(price) : FREE;
  return { promptTokens, asked, least: Math.min(asked, LEAST_OUTPUT_TOKENS), tariff };
}

/** What has been counted in one account, and its caps. */
export interface AccountState {
  readonly payer: Payer;
  /** Its running streams. */
  readonly running: number;
  readonly concurrentStreams: number;
  readonly tokens: readonly QuotaStatus[];
  /** In billionths. */
  readonly cost: readonly QuotaStatus[];
  readonly requests: readonly QuotaStatus[];
}

/** What is set aside for a stream. */
export interface Share {
  readonly output: number;
  /** Prompt and output. */
  readonly tokens: number;
  /** Their cost in billionths. */
  readonly nano: number;
  /** What the request's output limit must be lowered to; undefined: it may stay. */
  readonly maxOutputTokens: number | undefined;
}

/**
 * The one rule by which streams are let in, whoever counts. Every account must have room for the least, and those of a minute
 * for all. Throws `cap_exceeded`, `rate_limited` or `too_many_streams`; `forbidden` if there is a cap on cost and no price.
 */
export function decide(states: readonly AccountState[], wish: Wish, hasPrice: boolean, wallMs: number): Share {
  const { promptTokens, asked, least, tariff } = wish;
  const costWith = (output: number) => tariff.cost(promptTokens, output);
  for (const { payer, running, concurrentStreams, tokens, cost, requests } of states) {
    if (running >= concurrentStreams) throw tooManyStreams(payer, concurrentStreams);
    check(payer, requests, 1, 1, wallMs);
    if (!hasPrice && cost.some(({ limit }) => limit < Number.POSITIVE_INFINITY)) throw noPrice(payer);
    check(payer, tokens, promptTokens + least, promptTokens + asked, wallMs);
    check(payer, cost, costWith(least), costWith(asked), wallMs);
  }
  const tokensLeft = Math.min(...states.map(({ tokens }) => leftOf(tokens)));
  const nanoLeft = Math.min(...states.map(({ cost }) => leftOf(cost)));
  const output = tariff.affordableOutput(nanoLeft, promptTokens, Math.min(asked, tokensLeft - promptTokens));
  return shareOf(wish, output);
}

/** What this much output sets aside. */
export const shareOf = ({ promptTokens, asked, tariff }: Wish, output: number): Share => ({
  output,
  tokens: promptTokens + output,
  nano: tariff.cost(promptTokens, output),
  maxOutputTokens: output < asked ? output : undefined,
});

/** Why a running stream is cut: the cap with the least left, of all. */
export function reachedOf(states: readonly AccountState[], ofCost: boolean): GatewayError | undefined {
  const all = states.flatMap(({ payer, tokens, cost }) =>
    (ofCost ? cost : tokens).map((status) => ({ payer, status, left: status.limit - status.used - status.held })),
  );
  const [first, ...others] = all;
  if (!first) return undefined;
  const { payer, status } = others.reduce((a, b) => (b.left < a.left ? b : a), first);
  return capExceeded(payer, status);
}

const leftOf = (statuses: readonly QuotaStatus[]): number =>
  Math.min(...statuses.map(({ limit, used, held }) => limit - used - held));

/** Throws unless `least` fits under each cap, and `wanted` under those for which waiting a minute helps. */
function check(payer: Payer, statuses: readonly QuotaStatus[], least: number, wanted: number, wallMs: number): void {
  for (const status of statuses) {
    const { limit, used, held, period } = status;
    const unspent = limit - used;
    const isMinute = period.length === "minute";
    if (least > limit) throw neverFits(payer, status);
    if (isMinute && Math.min(wanted, limit) > unspent - held) throw minuteIsFull(payer, status, wallMs);
    if (least > unspent) throw capExceeded(payer, status);
    if (least > unspent - held) throw setAside(payer, status);
  }
}
