import { expect } from "@jest/globals";
import fc from "fast-check";
import type { LedgerClosing, LedgerOpening, UsageLine, UsageSums } from "../../../src/core/ledger/ledger.ts";
import { USAGE_GROUPS, type UsageGroup } from "../../../src/core/ledger/usage-query.ts";
import type { StoredLedger } from "../../../src/storage/ledger/stored-ledger.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";

/** The ledger a test expects: each stream's opening, and its end if there was one. */
export interface Model {
  readonly rows: Map<string, { readonly opened: LedgerOpening; closed: LedgerClosing | undefined }>;
}

export const emptyModel = (): Model => ({ rows: new Map() });

type Command = fc.AsyncCommand<Model, StoredLedger>;

const command = (label: string, run: (model: Model, real: StoredLedger) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => label,
});

const DAY_MS = 86_400_000;
const name = fc.constantFrom("a", "b", "x'; --", "агент:🦀", "__proto__", "");
const maybe = fc.option(name, { nil: undefined });
const tokens = fc.option(fc.nat(1_000_000), { nil: undefined });

const opened: fc.Arbitrary<LedgerOpening> = fc
  .record({
    stream: fc.constantFrom("1", "2", "3", "4", "5", "constructor"),
    caller: name,
    keyId: maybe,
    session: maybe,
    model: maybe,
    route: name,
    openedAt: fc.nat(3 * DAY_MS).map((ms) => NOON + ms),
  })
  .map((row) => opening(row.stream, row));

const closed: fc.Arbitrary<LedgerClosing> = fc
  .record({
    stream: fc.constantFrom("1", "2", "3", "4", "5", "constructor"),
    outcome: fc.constantFrom("completed", "failed", "cancelled"),
    source: fc.constantFrom("exact", "estimated", "unknown"),
    inputTokens: fc.nat(1_000_000),
    outputTokens: fc.nat(1_000_000),
    cacheReadTokens: tokens,
    costNano: fc.option(fc.nat(1_000_000_000), { nil: undefined }),
  })
  .map(({ stream, outcome, source, inputTokens, outputTokens, cacheReadTokens, costNano }) =>
    closing(stream, {
      outcome,
      usage:
        source === "unknown"
          ? { source }
          : { source, inputTokens, outputTokens, ...(cacheReadTokens !== undefined && { cacheReadTokens }) },
      costNano: source === "unknown" ? undefined : costNano,
    }),
  );

const open = opened.map((row) =>
  command(`open(${JSON.stringify(row)})`, async ({ rows }, real) => {
    if (!rows.has(row.stream)) rows.set(row.stream, { opened: row, closed: undefined });
    await real.open(row, false);
  }),
);

const close = closed.map((row) =>
  command(`close(${JSON.stringify(row)})`, async ({ rows }, real) => {
    const known = rows.get(row.stream);
    if (known && !known.closed) known.closed = row;
    else if (known?.closed && known.closed.usage.source !== "exact" && row.usage.source === "exact") {
      known.closed = { ...known.closed, usage: row.usage, costNano: row.costNano };
    }
    real.close(row);
  }),
);

const groupOf = (by: UsageGroup, row: LedgerOpening): string | null => {
  const day = new Date(row.openedAt).toISOString().slice(0, 10);
  return (
    {
      day,
      key: row.keyId,
      team: row.team,
      caller: row.caller,
      model: row.model,
      route: row.route,
      session: row.session,
    }[by] ?? null
  );
};

const add = (rows: readonly LedgerClosing[], figure: (row: LedgerClosing) => number | undefined): number | null => {
  const known = rows.map(figure).filter((value) => value !== undefined);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
};

const sums = (all: readonly LedgerClosing[], source: string): UsageSums => {
  const rows = all.filter(({ usage }) => usage.source === source);
  return {
    streams: rows.length,
    inputTokens: add(rows, ({ usage }) => usage.inputTokens),
    outputTokens: add(rows, ({ usage }) => usage.outputTokens),
    cacheReadTokens: add(rows, ({ usage }) => usage.cacheReadTokens),
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNano: add(rows, ({ costNano }) => costNano),
  };
};

function linesOf({ rows }: Model, by: UsageGroup, caller: string | undefined): UsageLine[] {
  const asked = [...rows.values()].filter(({ opened: { caller: name } }) => caller === undefined || caller === name);
  return [...Map.groupBy(asked, ({ opened: row }) => groupOf(by, row))].map(([group, members]) => {
    const ends = members.map((row) => row.closed).filter((row) => row !== undefined);
    const having = (outcome: string) => ends.filter((row) => row.outcome === outcome).length;
    return {
      group,
      streams: members.length,
      completed: having("completed"),
      failed: having("failed"),
      cancelled: having("cancelled"),
      lost: 0,
      open: members.length - ends.length,
      exact: sums(ends, "exact"),
      estimated: sums(ends, "estimated"),
      unknown: ends.filter(({ usage }) => usage.source === "unknown").length,
    };
  });
}

const byName = (lines: readonly UsageLine[]) => lines.toSorted((a, b) => (String(a.group) < String(b.group) ? -1 : 1));

const look = (committed: (real: StoredLedger) => Promise<void>) =>
  fc.tuple(fc.constantFrom(...USAGE_GROUPS), maybe).map(([by, caller]) =>
    command(`usage(${by}, ${caller})`, async (model, real) => {
      await committed(real);
      const { lines } = await real.usage({ by, caller });
      expect(byName(lines)).toEqual(byName(linesOf(model, by, caller)));
    }),
  );

/** Any sequence of openings and closings, with queries in between. */
export const ledgerCommands = (committed: (real: StoredLedger) => Promise<void>) =>
  fc.commands([open, open, close, close, look(committed)], { maxCommands: 40 });
