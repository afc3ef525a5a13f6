import type { GatewayError } from "../kernel/errors.ts";
import type { Counted } from "../ledger/ledger.ts";
import { type ByKind, byKind, Tariff } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import { estimateTokens, type TokenCounts } from "../usage/usage.ts";
import type { Hold, Quota } from "./quota.ts";

/** The account of a reservation, as the reservation uses it. */
export interface ReservationOwner {
  /** The reservation has used up this quota. Returns the error; cuts all other streams if nothing is left for any. */
  reached(quota: Quota, capReservation: CapReservation): GatewayError;
  advance(wallMs: number): void;
  released(capReservation: CapReservation): void;
}

/** One cap, and what a stream sets aside under it. */
export interface CapReservationParts {
  /** Called when other streams have used the cap up: this one must end now. */
  readonly cut: (error: GatewayError) => void;
  readonly promptTokens: number;
  readonly tokens: Hold;
  /** In billionths of the price's currency. */
  readonly cost: Hold;
  /** Undefined without a cap on cost, which is then only counted at the end. */
  readonly tariff: Tariff | undefined;
  /** What the request's output limit must be lowered to; undefined: it may stay. */
  readonly maxOutputTokens: number | undefined;
}

/** What one running stream has reserved and used under its key's caps. */
export class CapReservation {
  readonly maxOutputTokens: number | undefined;
  readonly cut: (error: GatewayError) => void;
  readonly #owner: ReservationOwner;
  readonly #parts: CapReservationParts;
  #tariff: Tariff | undefined;
  /** What earlier attempts of the stream have used. */
  #earlier = { tokens: 0, nano: 0 };
  #counts: TokenCounts | undefined;
  #inputTokens: number;
  /** The same, by kind. */
  #input: ByKind;
  /** The provider's last count of output, and how many characters had been seen then. */
  #counted = 0;
  #countedAt = 0;
  #released = false;

  constructor(owner: ReservationOwner, parts: CapReservationParts) {
    this.#owner = owner;
    this.#parts = parts;
    this.maxOutputTokens = parts.maxOutputTokens;
    this.cut = parts.cut;
    this.#tariff = parts.tariff;
    this.#inputTokens = parts.promptTokens;
    this.#input = byKind({ inputTokens: parts.promptTokens });
  }

  /** Whether events must be metered: there is a cap on tokens or cost. */
  get isMetered(): boolean {
    return this.#parts.tokens.of.isCapped || this.#parts.cost.of.isCapped;
  }

  /** Whether its key has a cap on cost. */
  get isCostCapped(): boolean {
    return this.#parts.cost.of.isCapped;
  }

  /** What the current attempt has used, for the ledger. */
  get counted(): Counted {
    const { tokens, cost } = this.#parts;
    const costNano = cost.of.isCapped ? cost.spent - this.#earlier.nano : undefined;
    return { tokens: tokens.spent - this.#earlier.tokens, costNano };
  }

  /** The settled attempt is followed by one on another target: what was used stays used, and the rest is for the next. */
  carryOn(promptTokens: number, price: Price | undefined): void {
    const { tokens, cost, tariff } = this.#parts;
    this.#earlier = { tokens: tokens.spent, nano: cost.spent };
    this.#tariff = tariff && price ? new Tariff(price) : tariff;
    this.#counts = undefined;
    this.#inputTokens = promptTokens;
    this.#input = byKind({ inputTokens: promptTokens });
    this.#counted = this.#countedAt = 0;
  }

  /**
   * Meters what was seen so far: the provider's counts, and the characters since then, from which the rest is estimated.
   * Returns why the stream must be cut, or undefined. On the hot path: it only adds and multiplies.
   */
  meter(counts: TokenCounts, characters: number, wallMs: number): GatewayError | undefined {
    if (this.#released) return undefined;
    this.#owner.advance(wallMs);
    if (counts !== this.#counts) this.#report(counts, characters);
    const output = this.#counted + estimateTokens(characters - this.#countedAt);
    const { tokens, cost } = this.#parts;
    const tariff = this.#tariff;
    const tokensFit = tokens.spend(this.#earlier.tokens + this.#inputTokens + output);
    const { input, cacheRead, cacheWrite } = this.#input;
    const costFits = !tariff || cost.spend(this.#earlier.nano + tariff.cost(input, output, cacheRead, cacheWrite));
    if (tokensFit && costFits) return undefined;
    return this.#owner.reached(tokensFit ? cost.of : tokens.of, this);
  }

  /**
   * Replaces what was metered by the real usage; may be called again when more is known. If `tokens` is undefined, the usage
   * is unknown: what was metered counts, and at least the prompt. If `costNano` is undefined, the model has no price.
   */
  settle(tokens: number | undefined, costNano: number | undefined, wallMs: number): void {
    if (this.#released) return;
    this.#owner.advance(wallMs);
    const { tokens: hold, cost } = this.#parts;
    const tariff = this.#tariff;
    const { tokens: tokensBefore, nano } = this.#earlier;
    if (tokens !== undefined) {
      this.#correct(hold, tokensBefore + tokens);
      this.#correct(cost, costNano === undefined ? undefined : nano + costNano);
    } else {
      this.#correct(hold, Math.max(hold.spent, tokensBefore + this.#inputTokens));
      if (tariff) this.#correct(cost, Math.max(cost.spent, nano + tariff.cost(this.#inputTokens, 0)));
    }
  }

  /** Releases what was not used, for other streams. A second call does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#parts.tokens.release();
    this.#parts.cost.release();
    this.#owner.released(this);
  }

  #correct(hold: Hold, total: number | undefined): void {
    if (total === undefined) return;
    hold.spend(total);
    // Nothing is left for the others either.
    if (hold.of.isUsedUp) this.#owner.reached(hold.of, this);
  }

  #report(counts: TokenCounts, characters: number): void {
    this.#counts = counts;
    this.#inputTokens = counts.inputTokens || this.#inputTokens;
    this.#input = byKind({ ...counts, inputTokens: this.#inputTokens });
    // A repeated count covers nothing new: some providers send zeros until the end.
    if (counts.outputTokens === undefined || counts.outputTokens === this.#counted) return;
    this.#counted = counts.outputTokens;
    this.#countedAt = characters;
  }
}
