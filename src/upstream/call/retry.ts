import type { GatewayError } from "../../core/kernel/errors.ts";

/** How often a call is repeated, how long it waits, and what share of all calls repeats may be. */
export interface RetrySettings {
  /** Attempts after the first. */
  readonly maxRetries: number;
  /** The first wait is a random fraction of this; the range doubles for each further one. */
  readonly baseDelayMs: number;
  /** Longest wait an upstream may ask for; after a longer one the client must retry. */
  readonly maxDelayMs: number;
  /** Retries per call in the long run: a failing upstream gets 10 % more calls, not three times as many. */
  readonly budgetRatio: number;
  /** Retries that may happen in a row; the budget never exceeds this. */
  readonly budgetReserve: number;
}

/** At most two repeats a call and one for every ten calls of the route; docs/faults.md has the cases. */
export const DEFAULT_RETRY: RetrySettings = {
  maxRetries: 2,
  baseDelayMs: 250,
  maxDelayMs: 5_000,
  budgetRatio: 0.1,
  budgetReserve: 10,
};

/** In floating point, ten times 0.1 is slightly less than one. */
const ONE = 1 - 1e-9;

/** Decides for one route whether to retry a failed call: only failures before any answer qualify. */
export class Retries {
  readonly #settings: RetrySettings;
  readonly #random: () => number;
  #budget: number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(settings: RetrySettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
    this.#budget = settings.budgetReserve;
  }

  /** Records a new call, which adds to the budget. */
  called(): void {
    this.#budget = Math.min(this.#settings.budgetReserve, this.#budget + this.#settings.budgetRatio);
  }

  /** Whether a request on a stale connection may be sent again at once. Takes from the budget like any retry. */
  resend(): boolean {
    if (this.#budget < ONE) return false;
    this.#budget--;
    return true;
  }

  /** Takes a retry from the budget and returns the wait before it, in milliseconds; undefined if there is to be none. */
  take(error: GatewayError, retried: number): number | undefined {
    const { maxRetries, baseDelayMs, maxDelayMs } = this.#settings;
    if (retried >= maxRetries || !mayHelp(error, retried) || this.#budget < ONE) return undefined;
    const delayMs = error.retryAfterMs ?? this.#random() * baseDelayMs * 2 ** retried;
    if (delayMs > maxDelayMs) return undefined;
    this.#budget--;
    return delayMs;
  }
}

/** Whether a retry can help (docs/faults.md, "retried"). */
function mayHelp(error: GatewayError, retried: number): boolean {
  switch (error.code) {
    case "upstream_unreachable":
      return error.retryable;
    case "upstream_overloaded":
      return true;
    case "upstream_http_error":
      return error.details?.status === 502;
    case "upstream_rate_limited":
      return retried === 0 && error.retryAfterMs !== undefined;
    default:
      return false;
  }
}
