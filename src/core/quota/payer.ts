import type { Caller, Caps } from "../caller/caller.ts";
import type { Spent } from "../ledger/ledger.ts";

/** Whose caps they are. */
export interface Payer {
  /** `key`: one key's; `team`: those of several keys together; `all`: those of the whole gateway. */
  readonly kind: "key" | "team" | "all";
  /** The caller's, or the team's. */
  readonly name: string;
  /** Whose stream it is. */
  readonly caller: string;
}

/** What was spent in an account. */
export type AccountSpent = Pick<Spent, "tokens" | "costNano">;

/** One account that a stream counts in, and its caps. A stream has up to three: its key's, its team's, and that of all. */
export interface Level {
  /** Names the account for ever: a caller's next key has another one, a team made again under its name the same. */
  readonly account: string;
  readonly payer: Payer;
  readonly caps: Caps;
}

/** The account that everything counts in. */
const ALL = "all";

const keyAccount = (keyId: string): string => `key:${keyId}`;
const teamAccount = (team: string): string => `team:${team}`;

/**
 * The accounts that a caller's streams count in. `all`: the caps of the whole gateway. Streams without any cap count, too: there
 * may be caps later.
 */
export function levelsOf({ name: caller, grant }: Caller, all: Caps): readonly Level[] {
  const levels: Level[] = [];
  if (grant) {
    const { keyId, caps, team } = grant;
    levels.push({ account: keyAccount(keyId), payer: { kind: "key", name: caller, caller }, caps });
    if (team) {
      const { name } = team;
      levels.push({ account: teamAccount(name), payer: { kind: "team", name, caller }, caps: team.caps });
    }
  }
  levels.push({ account: ALL, payer: { kind: "all", name: "", caller }, caps: all });
  return levels;
}

/** What was spent in each account, from what the ledger knows. */
export function spentIn(spent: readonly Spent[]): ReadonlyMap<string, AccountSpent> {
  const found = new Map<string, AccountSpent>();
  for (const { keyId, team, tokens, costNano } of spent) {
    const accounts = [
      ALL,
      ...(keyId === undefined ? [] : [keyAccount(keyId)]),
      ...(team === undefined ? [] : [teamAccount(team)]),
    ];
    for (const account of accounts) {
      const before = found.get(account) ?? { tokens: 0, costNano: 0 };
      found.set(account, { tokens: before.tokens + tokens, costNano: before.costNano + costNano });
    }
  }
  return found;
}

/** Whether any cap of any account limits the stream. */
export const isCapped = (levels: readonly Level[]): boolean =>
  levels.some(({ caps }) => Object.values(caps).some((cap) => cap !== undefined));

/** Caps over longer periods, which only hold while usage is recorded. */
const BUDGETS = ["tokensPerDay", "tokensPerMonth", "costPerDay", "costPerMonth"] as const satisfies (keyof Caps)[];

/** The first account with a cap that only holds while usage is recorded. */
export const budgetIn = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ caps }) => BUDGETS.some((cap) => caps[cap] !== undefined));

/** The first account with a cap on cost. */
export const costCapIn = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ caps }) => caps.costPerDay !== undefined || caps.costPerMonth !== undefined);
