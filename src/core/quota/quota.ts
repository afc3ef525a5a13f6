import type { Caps } from "../caller/caller.ts";
import type { Period } from "./period.ts";

export type CapName = keyof Caps;

/** One limit, and how much of it is used. Amounts are in the unit of the quota: tokens, billionths, requests. */
export interface QuotaStatus {
  readonly cap: CapName;
  readonly period: Period;
  /** Infinite where the key has no such cap. */
  readonly limit: number;
  readonly used: number;
  /** Set aside for running streams and not used yet. */
  readonly held: number;
}

interface Limit {
  readonly cap: CapName;
  readonly period: Period;
  most: number;
  /** What had been spent in all when the period began. */
  base: number;
  /** Which of all periods this is, in the order in which they began. */
  order: number;
}

/**
 * What one key may spend of one thing, in each period. One running sum serves all periods, because each remembers where
 * it began; so the nearest limit is one number to compare with. Counting only: who is refused or cut is the account's.
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

  /** The caps as they are now; `amount` turns one into the quota's own unit. */
  cap(caps: Caps, amount: (cap: number) => number): void {
    for (const limit of this.#limits) limit.most = amount(caps[limit.cap] ?? Number.POSITIVE_INFINITY);
    this.#findNearest();
  }

  get isCapped(): boolean {
    return this.#nearest < Number.POSITIVE_INFINITY;
  }

  /** Nothing is left for anybody. */
  get isUsedUp(): boolean {
    return this.#spent >= this.#nearest;
  }

  /** The limit that leaves least. */
  get nearest(): QuotaStatus {
    return this.statuses.reduce((a, b) => (b.limit - b.used < a.limit - a.used ? b : a));
  }

  /** What a new stream may still set aside. */
  get left(): number {
    return Math.min(...this.statuses.map(({ limit, used, held }) => limit - used - held));
  }

  /** Nothing is left beyond what running streams have set aside. */
  get isTaken(): boolean {
    return this.#spent + this.#held >= this.#nearest;
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

  /** A new such period began: what running streams have set aside goes with them. */
  begin(period: Period): void {
    this.#order++;
    for (const limit of this.#limits) {
      if (limit.period !== period) continue;
      limit.base = this.#spent;
      limit.order = this.#order;
    }
    this.#findNearest();
  }

  /** At least so much was spent in the period that runs. */
  restore(period: Period, amount: number): void {
    for (const limit of this.#limits) {
      if (limit.period === period) limit.base = Math.min(limit.base, this.#spent - amount);
    }
    this.#findNearest();
  }

  /** Sets so much aside for one stream. */
  reserve(amount: number): Hold {
    this.#held += amount;
    return new Hold(this, amount, this.#order);
  }

  /**
   * A hold's side: what it has spent more (less, when its estimate was too high), and what it has set aside more or
   * less. `since`: the newest period when it began.
   */
  move(spent: number, held: number, since: number): void {
    this.#held += held;
    this.#spent += spent;
    if (spent < 0) this.#giveBack(spent, since);
  }

  /** What was estimated too high in an earlier period is no credit for this one. */
  #giveBack(spent: number, since: number): void {
    for (const limit of this.#limits) if (limit.order > since) limit.base += spent;
    this.#findNearest();
  }

  #findNearest(): void {
    this.#nearest = Number.POSITIVE_INFINITY;
    for (const { base, most } of this.#limits) this.#nearest = Math.min(this.#nearest, base + most);
  }
}

/** One stream's part of a quota: what was set aside for it, and what it has spent. */
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

  /** It has spent so much in all. False: the cap is reached, nothing is left for it. On the hot path. */
  spend(total: number): boolean {
    const aside = total < this.#reserved ? this.#reserved - total : 0;
    this.of.move(total - this.#spent, aside - this.#aside, this.#since);
    this.#spent = total;
    this.#aside = aside;
    return !this.of.isUsedUp && (aside > 0 || !this.of.isTaken);
  }

  /** Gives back what was set aside and not spent; nothing is left to give a second time. */
  release(): void {
    this.of.move(0, -this.#aside, this.#since);
    this.#reserved = this.#aside = 0;
  }
}
