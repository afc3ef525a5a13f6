import type { GatewayError } from "../kernel/errors.ts";

/**
 * What one running stream has set aside and spent in all its accounts, wherever they are counted. Amounts are totals since the
 * stream's open: tokens, and billionths of the price's currency.
 */
export interface SetAside {
  /** Whether events must be metered: there is a cap on tokens or cost. */
  readonly isMetered: boolean;
  readonly isCostCapped: boolean;
  /** What the request's output limit must be lowered to; undefined: it may stay, or is not decided yet. */
  readonly maxOutputTokens: number | undefined;
  /** Resolves once the stream may run, and rejects with the refusal; undefined: it may. */
  readonly decided: Promise<void> | undefined;
  readonly tokens: number;
  readonly nano: number;
  /**
   * Sets what is spent; lower than before if an estimate was too high. `nano`: undefined if the cost is not known yet. Returns
   * why the stream must be cut, or undefined. On the hot path.
   */
  spend(tokens: number, nano: number | undefined, wallMs: number): GatewayError | undefined;
  /** The same for what is not on the hot path, and may come after the end: it asks for nothing more. */
  settle(tokens: number, nano: number | undefined, wallMs: number): void;
  /** What is spent is final, and the rest is for other streams. A second call does nothing. */
  release(): void;
}
