import type { GatewayError } from "../../core/kernel/errors.ts";

export interface RetrySettings {
  /** Tries after the first. */
  readonly maxRetries: number;
  /** The first wait is a random part of this, each further one of twice as much. */
  readonly baseDelayMs: number;
  /** Longest wait an upstream may ask for and still be called again. */
  readonly maxDelayMs: number;
  /** Retries per call in the long run: a failing upstream gets a tenth more calls, not three times as many. */
  readonly budgetRatio: number;
  /** Retries that may come in a row, and the most that is saved up. */
  readonly budgetReserve: number;
}

export const DEFAULT_RETRY: RetrySettings = {
  maxRetries: 2,
  baseDelayMs: 250,
  maxDelayMs: 5_000,
  budgetRatio: 0.1,
  budgetReserve: 10,
};

/** Ten times a tenth is a little less than one. */
const ONE = 1 - 1e-9;

/** Decides for one route whether a failed call is made again: only for failures from before any answer was given. */
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

  /** A new call: it pays into the budget. */
  called(): void {
    this.#budget = Math.min(this.#settings.budgetReserve, this.#budget + this.#settings.budgetRatio);
  }

  /** Whether a call may be sent again at once because its connection was stale: taken from the budget like any retry. */
  resend(): boolean {
    if (this.#budget < ONE) return false;
    this.#budget--;
    return true;
  }

  /** Milliseconds to wait before the next try, taken from the budget; undefined when there is none. */
  take(error: GatewayError, retried: number): number | undefined {
    const { maxRetries, baseDelayMs, maxDelayMs } = this.#settings;
    if (retried >= maxRetries || !mayHelp(error, retried) || this.#budget < ONE) return undefined;
    const delayMs = error.retryAfterMs ?? this.#random() * baseDelayMs * 2 ** retried;
    if (delayMs > maxDelayMs) return undefined;
    this.#budget--;
    return delayMs;
  }
}

/** The rows of the failure matrix that say R. */
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
