import type { GatewayError } from "../kernel/errors.ts";
import type { Counted } from "../ledger/ledger.ts";
import { type ByKind, byKind, type Tariff } from "../usage/cost.ts";
import { estimateTokens, type TokenCounts } from "../usage/usage.ts";
import type { Hold, Quota } from "./quota.ts";

/** What a stream's reservation asks of the account it is part of. */
export interface ReservationOwner {
  /** Nothing of this is left for the reservation. Returns why, and cuts the others when nothing is left for anybody. */
  reached(quota: Quota, capReservation: CapReservation): GatewayError;
  advance(wallMs: number): void;
  released(capReservation: CapReservation): void;
}

export interface CapReservationParts {
  /** Ends the stream, because others used up what was left. */
  readonly cut: (error: GatewayError) => void;
  readonly promptTokens: number;
  readonly tokens: Hold;
  /** In billionths of the price's currency. */
  readonly cost: Hold;
  /** Undefined where no cap on cost is to be kept: then cost is counted at the end only. */
  readonly tariff: Tariff | undefined;
  /** What the answer's limit must be lowered to; undefined: it may stay. */
  readonly maxOutputTokens: number | undefined;
}

/** What one running stream has set aside and spent under its key's caps. */
export class CapReservation {
  readonly maxOutputTokens: number | undefined;
  readonly cut: (error: GatewayError) => void;
  readonly #owner: ReservationOwner;
  readonly #parts: CapReservationParts;
  #counts: TokenCounts | undefined;
  #inputTokens: number;
  /** The same by price. */
  #input: ByKind;
  /** What the provider counted last, and how many characters of the answer there were then. */
  #counted = 0;
  #countedAt = 0;
  #released = false;

  constructor(owner: ReservationOwner, parts: CapReservationParts) {
    this.#owner = owner;
    this.#parts = parts;
    this.maxOutputTokens = parts.maxOutputTokens;
    this.cut = parts.cut;
    this.#inputTokens = parts.promptTokens;
    this.#input = byKind({ inputTokens: parts.promptTokens });
  }

  /** Whether a cap counts events: on tokens or on cost. */
  get isMetered(): boolean {
    return this.#parts.tokens.of.isCapped || this.#parts.cost.of.isCapped;
  }

  /** What it has spent, for the record. */
  get counted(): Counted {
    const { tokens, cost } = this.#parts;
    return { tokens: tokens.spent, costNano: cost.of.isCapped ? cost.spent : undefined };
  }

  /**
   * What was seen so far: the provider's counts, exact as far as they reach, and the characters of the answer, by which
   * the rest is estimated. Returns why the stream must be cut, or undefined. A few additions; nothing is allocated.
   */
  meter(counts: TokenCounts, characters: number, wallMs: number): GatewayError | undefined {
    if (this.#released) return undefined;
    this.#owner.advance(wallMs);
    if (counts !== this.#counts) this.#report(counts, characters);
    const output = this.#counted + estimateTokens(characters - this.#countedAt);
    const { tokens, cost, tariff } = this.#parts;
    const tokensFit = tokens.spend(this.#inputTokens + output);
    const { input, cacheRead, cacheWrite } = this.#input;
    const costFits = !tariff || cost.spend(tariff.cost(input, output, cacheRead, cacheWrite));
    if (tokensFit && costFits) return undefined;
    return this.#owner.reached(tokensFit ? cost.of : tokens.of, this);
  }

  /**
   * What it really was; may be told again when more is known. Without `tokens` nobody knows: then what was metered
   * counts, and the prompt at least. Without `costNano` its model has no price.
   */
  settle(tokens: number | undefined, costNano: number | undefined, wallMs: number): void {
    if (this.#released) return;
    this.#owner.advance(wallMs);
    const { tokens: hold, cost, tariff } = this.#parts;
    if (tokens !== undefined) {
      this.#correct(hold, tokens);
      this.#correct(cost, costNano);
    } else {
      this.#correct(hold, Math.max(hold.spent, this.#inputTokens));
      if (tariff) this.#correct(cost, Math.max(cost.spent, tariff.cost(this.#inputTokens, 0)));
    }
  }

  /** The stream is over: what it did not spend is there for others. Once. */
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
    // Then the others have nothing left either.
    if (hold.of.isUsedUp) this.#owner.reached(hold.of, this);
  }

  #report(counts: TokenCounts, characters: number): void {
    this.#counts = counts;
    this.#inputTokens = counts.inputTokens || this.#inputTokens;
    this.#input = byKind({ ...counts, inputTokens: this.#inputTokens });
    // The same count again says nothing about what came since: some providers send zeros until the end.
    if (counts.outputTokens === undefined || counts.outputTokens === this.#counted) return;
    this.#counted = counts.outputTokens;
    this.#countedAt = characters;
  }
}
