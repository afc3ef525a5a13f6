import type { GatewayError } from "../kernel/errors.ts";
import type { Counted } from "../ledger/ledger.ts";
import { type ByKind, byKind, Tariff } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import { estimateTokens, type TokenCounts } from "../usage/usage.ts";
import type { SetAside } from "./set-aside.ts";

/** What one running stream has reserved and used under its caps. */
export class CapReservation {
  readonly #aside: SetAside;
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

  /** `tariff`: undefined without a cap on cost, which is then only counted at the end. */
  constructor(aside: SetAside, promptTokens: number, tariff: Tariff | undefined) {
    this.#aside = aside;
    this.#tariff = tariff;
    this.#inputTokens = promptTokens;
    this.#input = byKind({ inputTokens: promptTokens });
  }

  /** What the request's output limit must be lowered to; undefined: it may stay, or is not decided yet. */
  get maxOutputTokens(): number | undefined {
    return this.#aside.maxOutputTokens;
  }

  /** Resolves once the stream may run, and rejects with the refusal; undefined: it may. */
  get decided(): Promise<void> | undefined {
    return this.#aside.decided;
  }

  /** Whether events must be metered: there is a cap on tokens or cost. */
  get isMetered(): boolean {
    return this.#aside.isMetered;
  }

  /** Whether there is a cap on cost. */
  get isCostCapped(): boolean {
    return this.#aside.isCostCapped;
  }

  /** What the current attempt has used, for the ledger. */
  get counted(): Counted {
    const { tokens, nano, isCostCapped } = this.#aside;
    const costNano = isCostCapped ? nano - this.#earlier.nano : undefined;
    return { tokens: tokens - this.#earlier.tokens, costNano };
  }

  /** The settled attempt is followed by one on another target: what was used stays used, and the rest is for the next. */
  carryOn(promptTokens: number, price: Price | undefined): void {
    const { tokens, nano } = this.#aside;
    this.#earlier = { tokens, nano };
    if (this.#tariff && price) this.#tariff = new Tariff(price);
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
    if (counts !== this.#counts) this.#report(counts, characters);
    const output = this.#counted + estimateTokens(characters - this.#countedAt);
    const { input, cacheRead, cacheWrite } = this.#input;
    const nano = this.#tariff && this.#earlier.nano + this.#tariff.cost(input, output, cacheRead, cacheWrite);
    return this.#aside.spend(this.#earlier.tokens + this.#inputTokens + output, nano, wallMs);
  }

  /**
   * Replaces what was metered by the real usage; may be called again when more is known. If `tokens` is undefined, the usage
   * is unknown: what was metered counts, and at least the prompt. If `costNano` is undefined, the model has no price.
   */
  settle(tokens: number | undefined, costNano: number | undefined, wallMs: number): void {
    if (this.#released) return;
    const { tokens: tokensBefore, nano: nanoBefore } = this.#earlier;
    if (tokens !== undefined) {
      this.#aside.settle(tokensBefore + tokens, costNano === undefined ? undefined : nanoBefore + costNano, wallMs);
      return;
    }
    const { tokens: metered, nano } = this.#aside;
    const prompt = this.#tariff && nanoBefore + this.#tariff.cost(this.#inputTokens, 0);
    const cost = prompt === undefined ? undefined : Math.max(nano, prompt);
    this.#aside.settle(Math.max(metered, tokensBefore + this.#inputTokens), cost, wallMs);
  }

  /** Releases what was not used, for other streams. A second call does nothing. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#aside.release();
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
