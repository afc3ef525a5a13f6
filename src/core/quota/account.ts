import type { Caps } from "../caller/caller.ts";
import type { GatewayError } from "../kernel/errors.ts";
import { toNano } from "../usage/cost.ts";
import { CapReservation } from "./cap-reservation.ts";
import { type AccountState, type Ask, decide, wishOf } from "./decision.ts";
import { type AccountHolds, type HoldsOwner, LocalHolds } from "./local-holds.ts";
import { costCapIn, type Level, type Payer } from "./payer.ts";
import { Period } from "./period.ts";
import { Quota, type QuotaStatus } from "./quota.ts";
import { capExceeded } from "./refusal.ts";

/**
 * One set of caps, of a key or of many, counted in this process: what is used, what is reserved, and which streams run. However
 * many do, usage and reservations together stay within each cap, so usage never exceeds one by more than one event.
 */
export class Account implements HoldsOwner {
  readonly #minute: Period;
  readonly #day: Period;
  readonly #month: Period;
  readonly #tokens: Quota;
  readonly #cost: Quota;
  readonly #requests: Quota;
  /** The streams, each with who pays for it. */
  readonly #running = new Map<LocalHolds, Payer>();
  #concurrentStreams = Number.POSITIVE_INFINITY;
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

  /** Reserves in this account alone. Throws as `openIn` does. */
  open(ask: Ask, caller: string, caps: Caps, wallMs: number): CapReservation {
    const level = { account: "", payer: { kind: "key", name: caller, caller }, caps } as const;
    return openIn([{ account: this, level }], ask, wallMs);
  }

  /** Sets the caps as they are now, and says how things stand. */
  stateUnder({ caps, payer }: Level, wallMs: number): AccountState {
    this.advance(wallMs);
    this.#tokens.cap(caps, Number);
    this.#cost.cap(caps, toNano);
    this.#requests.cap(caps, Number);
    this.#concurrentStreams = caps.concurrentStreams ?? Number.POSITIVE_INFINITY;
    return {
      payer,
      running: this.#running.size,
      concurrentStreams: this.#concurrentStreams,
      tokens: this.#tokens.statuses,
      cost: this.#cost.statuses,
      requests: this.#requests.statuses,
    };
  }

  /** Sets this much aside for one more stream. */
  hold(tokens: number, nano: number): AccountHolds {
    this.#requests.reserve(0).spend(1);
    return { account: this, tokens: this.#tokens.reserve(tokens), cost: this.#cost.reserve(nano) };
  }

  /** These streams run from now on. */
  joined(holds: LocalHolds, payer: Payer): void {
    this.#running.set(holds, payer);
  }

  /** Starts new periods. Days and months begin with a minute, so usually only the minute is checked. */
  advance(wallMs: number): void {
    if (!this.#minute.advance(wallMs)) return;
    this.#begin(this.#minute);
    if (this.#day.advance(wallMs)) this.#begin(this.#day);
    if (this.#month.advance(wallMs)) this.#begin(this.#month);
  }

  /** A stream has passed a cap of this quota. Returns the error; cuts all other streams if nothing is left for any. */
  reached(quota: Quota, holds: LocalHolds): GatewayError | undefined {
    const payer = this.#running.get(holds);
    const error = payer && capExceeded(payer, quota.nearest);
    if (!quota.isPassed || this.#cutting) return error;
    // Otherwise each would use one more event before it noticed.
    this.#cutting = true;
    try {
      // Each hears of itself alone: the others may be of other keys.
      for (const [other, itsPayer] of [...this.#running]) {
        if (other !== holds) other.cut(capExceeded(itsPayer, quota.nearest));
      }
    } finally {
      this.#cutting = false;
    }
    return error;
  }

  /** The stream holds nothing any more. */
  released(holds: LocalHolds): void {
    this.#running.delete(holds);
  }

  #begin(period: Period): void {
    for (const quota of [this.#tokens, this.#cost, this.#requests]) quota.begin(period);
  }
}

/** An account, and the caps it has for this stream. */
export interface LeveledAccount {
  readonly account: Account;
  readonly level: Level;
}

/**
 * Reserves what the request may use in each of these accounts or in none, lowering its output limit to what is left. Throws
 * `cap_exceeded`, `rate_limited` or `too_many_streams`; `forbidden` if there is a cap on cost and the model has no price.
 */
export function openIn(accounts: readonly LeveledAccount[], ask: Ask, wallMs: number): CapReservation {
  const states = accounts.map(({ account, level }) => account.stateUnder(level, wallMs));
  const wish = wishOf(ask);
  const { tokens, nano, maxOutputTokens } = decide(states, wish, ask.price !== undefined, wallMs);
  const holds = new LocalHolds(
    accounts.map(({ account }) => account.hold(tokens, nano)),
    maxOutputTokens,
    ask.cut,
  );
  for (const { account, level } of accounts) account.joined(holds, level.payer);
  const isPriced = costCapIn(accounts.map(({ level }) => level)) !== undefined;
  return new CapReservation(holds, ask.promptTokens, isPriced ? wish.tariff : undefined);
}
