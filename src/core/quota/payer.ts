import type { Caps } from "../caller/caller.ts";

/** Whose caps they are. */
export interface Payer {
  /** `key`: one key's; `team`: those of several keys together; `all`: those of the whole gateway. */
  readonly kind: "key" | "team" | "all";
  /** The caller's, or the team's. */
  readonly name: string;
  /** Whose stream it is. */
  readonly caller: string;
}

/** One account that a stream counts in, and its caps. A stream has up to three: its key's, its team's, and that of all. */
export interface Level {
  /** Names the account for ever: names of keys and teams may be used again. */
  readonly account: string;
  readonly payer: Payer;
  readonly caps: Caps;
}

/** The account of a key. */
export const keyAccount = (keyId: string): string => `key:${keyId}`;

/** Whether any cap of any account limits the stream. */
export const isCapped = (levels: readonly Level[]): boolean =>
  levels.some(({ caps }) => Object.values(caps).some((cap) => cap !== undefined));

/** Caps over longer periods, which only hold while usage is recorded. */
const BUDGETS = ["tokensPerDay", "tokensPerMonth", "costPerDay", "costPerMonth"] as const satisfies (keyof Caps)[];

/** Whether any account has a cap that only holds while usage is recorded. */
export const hasBudget = (levels: readonly Level[]): boolean =>
  levels.some(({ caps }) => BUDGETS.some((cap) => caps[cap] !== undefined));

/** Whether any account has a cap on cost. */
export const isCostCapped = (levels: readonly Level[]): boolean =>
  levels.some(({ caps }) => caps.costPerDay !== undefined || caps.costPerMonth !== undefined);
