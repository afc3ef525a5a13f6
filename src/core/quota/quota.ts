import type { Caps } from "../caller/caller.ts";
import type { Period } from "./period.ts";

/** The name of a cap. */
export type CapName = keyof Caps;

/** The status of one cap. Amounts are in the quota's unit: tokens, billionths of the currency, or requests. */
export interface QuotaStatus {
  readonly cap: CapName;
  readonly period: Period;
  /** Infinite without such a cap. */
  readonly limit: number;
  readonly used: number;
  /** Reserved for running streams and not used yet. */
  readonly held: number;
}

interface Limit {
  readonly cap: CapName;
  readonly period: Period;
  most: number;
  /** The total spent when the period began. */
  base: number;
  /** When the period began, as a position in the order of all beginnings. */
  order: number;
}

/**
 * What one key may spend of one unit in each period. A single running sum serves all periods, each of which remembers the
 * sum at its beginning, so checking all limits is one comparison. Only counts; the account refuses and cuts streams.
 */
export class Quota {
  readonly #limits: readonly Limit[];
  #spent = 0;
  #held = 0;
  #nearest = Number.POSITIVE_INFINITY;
  #order = 0;

  constructor(caps: readonly (readonly [CapName, Period])[]) {
    this.#limits = caps.map(([cap, period]) => ({
      cap,
      period,
      most: Number.POSITIVE_INFINITY,
      base: 0,
      order: 0,
    }));
  }

  /** Sets the current caps; `amount` converts one into the quota's unit. */
  cap(caps: Caps, amount: (cap: number) => number): void {
    for (const limit of this.#limits) limit.most = amount(caps[limit.cap] ?? Number.POSITIVE_INFINITY);
    this.#findNearest();
  }

  /** Whether there is any cap. */
  get isCapped(): boolean {
    return this.#nearest < Number.POSITIVE_INFINITY;
  }

  /** Whether more was spent than some limit allows. */
  get isPassed(): boolean {
    return this.#spent > this.#nearest;
  }

  /** The limit with the least left. */
  get nearest(): QuotaStatus {
    return this.statuses.reduce((a, b) => (b.limit - b.used < a.limit - a.used ? b : a));
  }

  /** How much a new stream may reserve. */
  get left(): number {
    return Math.min(...this.statuses.map(({ limit, used, held }) => limit - used - held));
  }

  /** Whether running streams have spent and reserved more than some limit allows. */
  get isOvercommitted(): boolean {
    return this.#spent + this.#held > this.#nearest;
  }

  get statuses(): readonly QuotaStatus[] {
    return this.#limits.map(({ cap, period, most, base }) => ({
      cap,
      period,
      limit: most,
      used: this.#spent - base,
      held: this.#held,
    }));
  }

  /** A new period has begun. Reservations of running streams carry over. */
  begin(period: Period): void {
    this.#order++;
    for (const limit of this.#limits) {
      if (limit.period !== period) continue;
      limit.base = this.#spent;
      limit.order = this.#order;
    }
    this.#findNearest();
  }

  /** At least `amount` was spent in the current period. */
  restore(period: Period, amount: number): void {
    for (const limit of this.#limits) {
      if (limit.period === period) limit.base = Math.min(limit.base, this.#spent - amount);
    }
    this.#findNearest();
  }

  /** Reserves an amount for one stream. */
  reserve(amount: number): Hold {
    this.#held += amount;
    return new Hold(this, amount, this.#order);
  }

  /**
   * For holds: changes what is spent (downwards, if an estimate was too high) and what is reserved. `since`: the order of the
   * newest period when the hold began.
   */
  move(spent: number, held: number, since: number): void {
    this.#held += held;
    this.#spent += spent;
    if (spent < 0) this.#giveBack(spent, since);
  }

  /** Corrects an estimate of an earlier period, which must not become credit in this one. */
  #giveBack(spent: number, since: number): void {
    for (const limit of this.#limits) if (limit.order > since) limit.base += spent;
    this.#findNearest();
  }

  #findNearest(): void {
    this.#nearest = Number.POSITIVE_INFINITY;
    for (const { base, most } of this.#limits) this.#nearest = Math.min(this.#nearest, base + most);
  }
}

/** One stream's part of a quota: what is reserved for it and what it has spent. */
export class Hold {
  readonly of: Quota;
  readonly #since: number;
  #reserved: number;
  #aside: number;
  #spent = 0;

  constructor(of: Quota, reserved: number, since: number) {
    this.of = of;
    this.#since = since;
    this.#reserved = this.#aside = reserved;
  }

  get spent(): number {
    return this.#spent;
  }

  /**
   * Sets the total spent. Returns false if that passes a cap: an answer that uses all it has reserved may still end by itself. On
   * the hot path.
   */
  spend(total: number): boolean {
    const aside = total < this.#reserved ? this.#reserved - total : 0;
    this.of.move(total - this.#spent, aside - this.#aside, this.#since);
    this.#spent = total;
    this.#aside = aside;
    return !this.of.isPassed && (total <= this.#reserved || !this.of.isOvercommitted);
  }

  /** Releases what was reserved and not spent. A second call does nothing. */
  release(): void {
    this.of.move(0, -this.#aside, this.#since);
    this.#reserved = this.#aside = 0;
  }
}
