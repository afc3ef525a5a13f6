import type { GatewayError } from "../kernel/errors.ts";
import type { Hold, Quota } from "./quota.ts";
import type { SetAside } from "./set-aside.ts";

/** An account as its streams use it. */
export interface HoldsOwner {
  advance(wallMs: number): void;
  /** The stream has passed a cap of this quota. Returns the error; cuts all other streams if nothing is left for any. */
  reached(quota: Quota, holds: LocalHolds): GatewayError | undefined;
  released(holds: LocalHolds): void;
}

/** What a stream holds in one account. */
export interface AccountHolds {
  readonly account: HoldsOwner;
  readonly tokens: Hold;
  /** In billionths of the price's currency. */
  readonly cost: Hold;
}

/** What a stream has set aside in accounts of this process. */
export class LocalHolds implements SetAside {
  readonly maxOutputTokens: number | undefined;
  readonly decided = undefined;
  readonly cut: (error: GatewayError) => void;
  readonly #parts: readonly AccountHolds[];
  #tokens = 0;
  #nano = 0;
  #released = false;

  /** `cut` ends the stream when others have used a cap up. */
  constructor(parts: readonly AccountHolds[], maxOutputTokens: number | undefined, cut: (error: GatewayError) => void) {
    this.#parts = parts;
    this.maxOutputTokens = maxOutputTokens;
    this.cut = cut;
  }

  get isMetered(): boolean {
    return this.#parts.some(({ tokens, cost }) => tokens.of.isCapped || cost.of.isCapped);
  }

  get isCostCapped(): boolean {
    return this.#parts.some(({ cost }) => cost.of.isCapped);
  }

  get tokens(): number {
    return this.#tokens;
  }

  get nano(): number {
    return this.#nano;
  }

  spend(tokens: number, nano: number | undefined, wallMs: number): GatewayError | undefined {
    if (this.#released) return undefined;
    this.#tokens = tokens;
    if (nano !== undefined) this.#nano = nano;
    let reached: GatewayError | undefined;
    for (const part of this.#parts) {
      part.account.advance(wallMs);
      const tokensFit = part.tokens.spend(tokens);
      const costFits = nano === undefined || part.cost.spend(nano);
      // Each account whose cap is passed cuts its streams, not only the first.
      const inTokens = tokensFit ? undefined : part.account.reached(part.tokens.of, this);
      const inCost = costFits ? undefined : part.account.reached(part.cost.of, this);
      reached ??= inTokens ?? inCost;
    }
    return reached;
  }

  settle(tokens: number, nano: number | undefined, wallMs: number): void {
    this.spend(tokens, nano, wallMs);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const { account, tokens, cost } of this.#parts) {
      tokens.release();
      cost.release();
      account.released(this);
    }
  }
}
