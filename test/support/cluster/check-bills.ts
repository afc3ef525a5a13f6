import type { CappedAnswer } from "./capped-caller.ts";
import type { CappedKey } from "./capped-rig.ts";
import { type LedgerRow, WRITE_MS } from "./check-ledger.ts";
import type { MeteredBill } from "./metered-upstream.ts";

/** The ledger beside the upstream's own count. */
export interface BillsFound {
  readonly rows: number;
  /** Accepted streams without a row, or with more than one, or with one that has no end. */
  readonly missing: readonly string[];
  /** Streams whose row died with their node, which was killed within a second of their opening. */
  readonly died: number;
  /** Rows with the provider's own figures, their sum in the ledger, and the upstream's count of the same answers. */
  readonly exact: { readonly rows: number; readonly ledger: number; readonly upstream: number };
  /** Those of them that are not the upstream's count, one by one. */
  readonly wrong: readonly string[];
  /** Rows of answers that were cut, or whose node died. */
  readonly estimated: { readonly rows: number; readonly ledger: number; readonly upstream: number };
  /** Answers written to their end, to a client that was accepted, whose row is an estimate. */
  readonly guessed: readonly string[];
  /** Calls of the upstream for requests that were refused, and second calls. */
  readonly strayCalls: readonly string[];
}

/** Compares the ledger's rows with the bills, by the names that clients were given. */
export function checkBills(
  answers: readonly CappedAnswer[],
  bills: ReadonlyMap<string, MeteredBill>,
  rows: readonly LedgerRow[],
  lostAt: ReadonlyMap<string, number>,
): BillsFound {
  const byStream = Map.groupBy(rows, ({ stream }) => stream);
  const exact = { rows: 0, ledger: 0, upstream: 0 };
  const estimated = { rows: 0, ledger: 0, upstream: 0 };
  const [missing, wrong, guessed]: [string[], string[], string[]] = [[], [], []];
  let died = 0;
  for (const { key, stream, node, at } of answers) {
    if (stream === undefined) continue;
    const found = byStream.get(stream) ?? [];
    const [row] = found;
    if (!row && at + WRITE_MS > (lostAt.get(node) ?? Number.POSITIVE_INFINITY)) died++;
    else if (!row?.outcome || found.length > 1) {
      missing.push(`${key}: ${found.length} rows${row?.outcome === "" ? " without an end" : ""}`);
    }
    if (!row?.outcome) continue;
    const bill = bills.get(key) ?? { calls: 0, tokens: 0, isWhole: false };
    const sums = row.source === "exact" ? exact : estimated;
    const counted = row.input + row.output;
    sums.rows++;
    sums.ledger += counted;
    sums.upstream += bill.tokens;
    if (row.source === "exact" && counted !== bill.tokens) wrong.push(`${key}: ${counted}, not ${bill.tokens}`);
    if (row.source !== "exact" && row.outcome === "completed") guessed.push(`${key}: completed, ${row.source}`);
  }
  // A connection that broke before its answer may have been one call.
  const refused = answers.filter(({ status }) => status >= 400);
  const strayCalls = [
    ...refused.filter(({ key }) => bills.has(key)).map(({ key, code }) => `${key}: called, then refused ${code}`),
    ...[...bills].filter(([, { calls }]) => calls > 1).map(([key, { calls }]) => `${key}: called ${calls} times`),
  ];
  return { rows: rows.length, missing, died, exact, wrong, estimated, guessed, strayCalls };
}

/** By how many tokens each key's cap for the day was passed, by the upstream's own count: the keys that passed theirs. */
export function passedCaps(
  keys: readonly CappedKey[],
  answers: readonly CappedAnswer[],
  bills: ReadonlyMap<string, MeteredBill>,
): readonly number[] {
  const used = new Map<string, number>();
  for (const { key, caller } of answers) {
    const tokens = bills.get(key)?.tokens ?? 0;
    used.set(caller, (used.get(caller) ?? 0) + tokens);
  }
  return keys
    .map(({ name, caps }) => (used.get(name) ?? 0) - (caps.tokensPerDay ?? Number.POSITIVE_INFINITY))
    .filter((tokens) => tokens > 0);
}
