import type { Caps } from "../caller/caller.ts";
import { GatewayError } from "../kernel/errors.ts";
import { Tariff, toNano } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import { CapReservation, type ReservationOwner } from "./cap-reservation.ts";
import { Period } from "./period.ts";
import { Quota, type QuotaStatus } from "./quota.ts";
import { capExceeded, minuteIsFull, neverFits, setAside, tooManyStreams } from "./refusal.ts";

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

/**
 * One key and its caps: which streams may start, what is reserved for them, and which are cut. However many run, usage and
 * reservations together stay within each cap, so usage never exceeds one by more than one event.
 */
export class Account implements ReservationOwner {
  readonly #minute: Period;
  readonly #day: Period;
  readonly #month: Period;
  readonly #tokens: Quota;
  readonly #cost: Quota;
  readonly #requests: Quota;
  readonly #running = new Set<CapReservation>();
  #caller = "";
  /** Guards against recursion: a cut stream settles, and may find the cap reached again. */
  #cutting = false;

  constructor(wallMs: number) {
    const minute = new Period("minute", wallMs);
    const day = new Period("day", wallMs);
    const month = new Period("month", wallMs);
    this.#tokens = new Quota([
      ["tokensPerMinute", minute],
      ["tokensPerDay", day],
      ["tokensPerMonth", month],
    ]);
    this.#cost = new Quota([
      ["costPerDay", day],
      ["costPerMonth", month],
    ]);
    this.#requests = new Quota([["requestsPerMinute", minute]]);
    this.#minute = minute;
    this.#day = day;
    this.#month = month;
  }

  get running(): number {
    return this.#running.size;
  }

  get statuses(): readonly QuotaStatus[] {
    return [...this.#tokens.statuses, ...this.#cost.statuses, ...this.#requests.statuses];
  }

  /** Restores the usage of the current day or month from the ledger. */
  restore(length: "day" | "month", tokens: number, costNano: number): void {
    const period = length === "day" ? this.#day : this.#month;
    this.#tokens.restore(period, tokens);
    this.#cost.restore(period, costNano);
  }

  /**
   * Reserves what the request may use, lowering its output limit to what is left. Throws `cap_exceeded`, `rate_limited` or
   * `too_many_streams`; `forbidden` if there is a cap on cost and the model has no price.
   */
  open(ask: Ask, caller: string, caps: Caps, wallMs: number): CapReservation {
    this.#caller = caller;
    this.advance(wallMs);
    this.#tokens.cap(caps, Number);
    this.#cost.cap(caps, toNano);
    this.#requests.cap(caps, Number);
    const { concurrentStreams = Number.POSITIVE_INFINITY } = caps;
    if (this.#running.size >= concurrentStreams) throw tooManyStreams(caller, concurrentStreams);
    this.#check(this.#requests, 1, 1, wallMs);

    const { promptTokens, outputTokens = UNSTATED_OUTPUT_TOKENS } = ask;
    const asked = Math.min(outputTokens, MOST_OUTPUT_TOKENS);
    if (this.#cost.isCapped && !ask.price) {
      throw new GatewayError("forbidden", "the key has a cap on cost, and the model has no price", {
        setting: "models.<alias>.price",
      });
    }
    const tariff = ask.price ? new Tariff(ask.price) : FREE;
    const costWith = (output: number) => tariff.cost(promptTokens, output);
    const least = Math.min(asked, LEAST_OUTPUT_TOKENS);
    this.#check(this.#tokens, promptTokens + least, promptTokens + asked, wallMs);
    this.#check(this.#cost, costWith(least), costWith(asked), wallMs);

    const output = tariff.affordableOutput(
      this.#cost.left,
      promptTokens,
      Math.min(asked, this.#tokens.left - promptTokens),
    );
    const capReservation = new CapReservation(this, {
      cut: ask.cut,
      promptTokens,
      tokens: this.#tokens.reserve(promptTokens + output),
      cost: this.#cost.reserve(costWith(output)),
      tariff: this.#cost.isCapped ? tariff : undefined,
      maxOutputTokens: output < asked ? output : undefined,
    });
    this.#requests.reserve(0).spend(1);
    this.#running.add(capReservation);
    return capReservation;
  }

  /** Starts new periods. Days and months begin with a minute, so usually only the minute is checked. */
  advance(wallMs: number): void {
    if (!this.#minute.advance(wallMs)) return;
    this.#begin(this.#minute);
    if (this.#day.advance(wallMs)) this.#begin(this.#day);
    if (this.#month.advance(wallMs)) this.#begin(this.#month);
  }

  reached(quota: Quota, capReservation: CapReservation): GatewayError {
    const error = capExceeded(this.#caller, quota.nearest);
    if (!quota.isUsedUp || this.#cutting) return error;
    // Otherwise each would use one more event before it noticed.
    this.#cutting = true;
    try {
      for (const other of [...this.#running]) if (other !== capReservation) other.cut(error);
    } finally {
      this.#cutting = false;
    }
    return error;
  }

  released(capReservation: CapReservation): void {
    this.#running.delete(capReservation);
  }

  #begin(period: Period): void {
    for (const quota of [this.#tokens, this.#cost, this.#requests]) quota.begin(period);
  }

  /** Throws unless `least` fits under each cap, and `wanted` under those for which waiting a minute helps. */
  #check(quota: Quota, least: number, wanted: number, wallMs: number): void {
    for (const status of quota.statuses) {
      const { limit, used, held, period } = status;
      const unspent = limit - used;
      const isMinute = period.length === "minute";
      if (least > limit) throw neverFits(this.#caller, status);
      if (isMinute && Math.min(wanted, limit) > unspent - held) throw minuteIsFull(this.#caller, status, wallMs);
      if (least > unspent) throw capExceeded(this.#caller, status);
      if (least > unspent - held) throw setAside(this.#caller, status);
    }
  }
}
