import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { UsageLine } from "../../../src/core/ledger/ledger.ts";
import type { StoredLedger } from "../../../src/storage/ledger/stored-ledger.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { NAUGHTY_STRINGS } from "../../support/recordings/naughty-strings.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";
import { emptyModel, ledgerCommands, type Model } from "./ledger-model.ts";

const NO_SUMS = {
  streams: 0,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  reasoningTokens: null,
  costNano: null,
};

/** Waits until every row is committed: queries see no others. */
export async function committed(ledger: StoredLedger): Promise<void> {
  await turnsUntil(() => ledger.waitingRows === 0);
}

/** What every implementation of the port guarantees. `open` returns an empty ledger. */
export function ledgerContract(name: string, open: () => Promise<StoredLedger>, runs: number): void {
  describe(`${name}, as every ledger`, () => {
    let ledger: StoredLedger;
    beforeEach(async () => {
      ledger = await open();
    });
    afterEach(() => ledger.stop());

    /** The report's only line. */
    async function only(): Promise<UsageLine> {
      await committed(ledger);
      const { lines } = await ledger.usage({ by: "route" });
      expect(lines).toHaveLength(1);
      return lines[0] as UsageLine;
    }

    test("starts empty", async () => {
      expect(await ledger.usage({ by: "day" })).toEqual({ by: "day", lines: [], more: false });
      expect(await ledger.spentSince(0)).toEqual([]);
      expect(ledger.available).toBe(true);
    });

    test("a running stream is open, and counts no tokens", async () => {
      await ledger.open(opening("a"), false);
      expect(await only()).toMatchObject({ streams: 1, open: 1, exact: NO_SUMS, estimated: NO_SUMS, unknown: 0 });
    });

    test("a closed stream counts what the provider reported, figure by figure", async () => {
      await ledger.open(opening("a"), false);
      const usage = {
        source: "exact",
        inputTokens: 9,
        outputTokens: 8,
        cacheReadTokens: 7,
        reasoningTokens: 0,
      } as const;
      ledger.close(closing("a", { usage, costNano: 5 }));
      expect(await only()).toMatchObject({
        completed: 1,
        open: 0,
        exact: { streams: 1, inputTokens: 9, outputTokens: 8, cacheReadTokens: 7, reasoningTokens: 0, costNano: 5 },
      });
      expect((await only()).exact.cacheWriteTokens).toBeNull();
    });

    test("unknown usage has no figures, never zeros", async () => {
      await ledger.open(opening("a"), false);
      ledger.close(closing("a", { outcome: "failed", usage: { source: "unknown", inputTokens: 1 }, costNano: 1 }));
      expect(await only()).toMatchObject({ failed: 1, unknown: 1, exact: NO_SUMS, estimated: NO_SUMS });
    });

    test("the first closing wins", async () => {
      await ledger.open(opening("a"), false);
      ledger.close(closing("a", { outcome: "cancelled" }));
      ledger.close(closing("a", { outcome: "failed", usage: { source: "exact", inputTokens: 1, outputTokens: 1 } }));
      expect(await only()).toMatchObject({ cancelled: 1, failed: 0, exact: { inputTokens: 100, outputTokens: 20 } });
    });

    test.each(["estimated", "unknown"] as const)(
      "exact usage corrects %s usage, and keeps the outcome",
      async (source) => {
        await ledger.open(opening("a"), false);
        const estimate = source === "unknown" ? { source } : { source, inputTokens: 90, outputTokens: 9 };
        ledger.close(closing("a", { outcome: "cancelled", usage: estimate, costNano: undefined }));
        ledger.close(closing("a", { outcome: "completed", costNano: 7 }));
        expect(await only()).toMatchObject({
          cancelled: 1,
          completed: 0,
          unknown: 0,
          estimated: NO_SUMS,
          exact: { inputTokens: 100, outputTokens: 20, costNano: 7 },
        });
      },
    );

    test("an estimate corrects nothing", async () => {
      await ledger.open(opening("a"), false);
      ledger.close(closing("a"));
      ledger.close(closing("a", { usage: { source: "estimated", inputTokens: 1, outputTokens: 1 } }));
      expect(await only()).toMatchObject({ estimated: NO_SUMS, exact: { inputTokens: 100 } });
    });

    test("closing an unknown stream, and opening one twice, change nothing", async () => {
      ledger.close(closing("never"));
      await ledger.open(opening("a"), false);
      ledger.close(closing("a"));
      await ledger.open(opening("a", { route: "other" }), false);
      expect(await only()).toMatchObject({ group: "chat", streams: 1, completed: 1, open: 0 });
    });

    test("sums by the requested group, time range and caller", async () => {
      const rows = [
        opening("1", { openedAt: NOON }),
        opening("2", { openedAt: NOON + 86_400_000, session: "s", keyId: "k_bob", caller: "bob", team: "research" }),
        opening("3", { openedAt: NOON + 86_400_000, model: undefined, keyId: undefined, caller: "local" }),
      ];
      for (const row of rows) {
        await ledger.open(row, false);
        ledger.close(closing(row.stream));
      }
      await committed(ledger);
      const groups = async (query: Parameters<StoredLedger["usage"]>[0]) =>
        (await ledger.usage(query)).lines.map(({ group, streams }) => [group, streams]);
      const days = [
        ["2026-11-22", 1],
        ["2026-11-23", 2],
      ];
      expect(await groups({ by: "day" })).toEqual(days);
      expect(await groups({ by: "day", since: NOON + 1 })).toEqual(days.slice(1));
      expect(await groups({ by: "day", until: NOON + 1 })).toEqual(days.slice(0, 1));
      expect(await groups({ by: "day", since: NOON, until: NOON })).toEqual([]);
      expect(new Map((await groups({ by: "key" })) as [])).toEqual(
        new Map([
          ["k_ann", 1],
          ["k_bob", 1],
          [null, 1],
        ]),
      );
      expect(await groups({ by: "caller", caller: "bob" })).toEqual([["bob", 1]]);
      expect(await groups({ by: "model" })).toEqual([
        ["gpt", 2],
        [null, 1],
      ]);
      expect(await groups({ by: "session" })).toEqual([
        [null, 2],
        ["s", 1],
      ]);
      expect(await groups({ by: "team" })).toEqual([
        [null, 2],
        ["research", 1],
      ]);
    });

    test("what was spent is told by key and team, with that of callers without a key; a moved key keeps its old rows", async () => {
      for (const [stream, more] of [
        ["early", { openedAt: NOON - 1 }],
        ["none", { keyId: undefined }],
        ["first", { team: "research" }],
        ["moved", { team: "sales" }],
        ["again", { team: "sales" }],
      ] as const) {
        await ledger.open(opening(stream, more), false);
        ledger.close(closing(stream));
      }
      await committed(ledger);
      const spent = (await ledger.spentSince(NOON)).map(({ keyId, team, tokens, costNano }) =>
        [keyId, team, tokens, costNano].join(),
      );
      expect(spent.sort()).toEqual([",,120,600000", "k_ann,research,120,600000", "k_ann,sales,240,1200000"]);
    });

    test("a key has spent what its caps counted for its closed streams, whether usage is known or not", async () => {
      const counted = { tokens: 70, costNano: 7 };
      for (const stream of ["exact", "unknown", "corrected", "runs"]) await ledger.open(opening(stream), false);
      ledger.close(closing("exact"));
      for (const stream of ["unknown", "corrected"]) {
        ledger.close(closing(stream, { usage: { source: "unknown" }, costNano: undefined, counted }));
      }
      ledger.close(closing("corrected"));
      await committed(ledger);
      expect(await ledger.spentSince(0)).toEqual([{ keyId: "k_ann", tokens: 120 + 70 + 120, costNano: 1_200_007 }]);
    });

    test("groups are sorted by cost, highest first", async () => {
      for (const [stream, costNano] of [
        ["low", 1],
        ["high", 3],
        ["middle", 2],
      ] as const) {
        await ledger.open(opening(stream, { model: stream }), false);
        ledger.close(closing(stream, { costNano }));
      }
      await committed(ledger);
      expect((await ledger.usage({ by: "model" })).lines.map(({ group }) => group)).toEqual(["high", "middle", "low"]);
    });

    test("impossible figures do not break the sums", async () => {
      const usage = { source: "exact", inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: 2 ** 60 } as const;
      for (let stream = 0; stream < 20; stream++) {
        await ledger.open(opening(String(stream)), false);
        ledger.close(closing(String(stream), { usage, costNano: 1e300 }));
      }
      expect(await only()).toMatchObject({ exact: { inputTokens: 20e12, outputTokens: 20e12 } });
    });

    test("any text in any column is returned unchanged and never interpreted as SQL", async () => {
      const streams = NAUGHTY_STRINGS.map((text, index) => ({ stream: `${index} ${text}`, text }));
      for (const { stream, text } of streams) {
        const all = {
          caller: text,
          keyId: text,
          face: text,
          session: text,
          route: text,
          model: text,
          upstreamModel: text,
        };
        await ledger.open(opening(stream, all), false);
        ledger.close(closing(stream));
      }
      await committed(ledger);
      for (const by of ["key", "caller", "model", "route", "session"] as const) {
        const { lines } = await ledger.usage({ by });
        expect(new Set(lines.map(({ group }) => group))).toEqual(new Set(NAUGHTY_STRINGS));
      }
      for (const text of NAUGHTY_STRINGS.filter((_, index) => index % 12 === 0)) {
        expect((await ledger.usage({ by: "caller", caller: text })).lines).toMatchObject([{ group: text, streams: 1 }]);
      }
    });

    test("text that is too long is truncated, and lone surrogates are replaced", async () => {
      await ledger.open(opening("a", { route: `\ud800${"x".repeat(10_000)}` }), false);
      expect((await only()).group).toBe(`\ufffd${"x".repeat(255)}`);
    });

    test("cells group rows by day, session, route and model, with cost and latency", async () => {
      const DAY = 24 * 3_600_000;
      const usage = { source: "exact", inputTokens: 100, outputTokens: 20, cacheReadTokens: 30 } as const;
      for (const [stream, more] of Object.entries({
        a: { session: "agent:main:main" },
        b: { session: "agent:main:main", openedAt: NOON + 1_000 },
        c: { session: "agent:main:main", openedAt: NOON - DAY },
        d: {},
        e: { caller: "bob" },
      })) {
        await ledger.open(opening(stream, more), false);
        ledger.close(closing(stream, { usage, ...(stream === "d" && { costNano: undefined }) }));
      }
      await ledger.open(opening("f", { session: "agent:main:main" }), false);
      ledger.close(closing("f", { outcome: "failed", usage: { source: "unknown" }, costNano: undefined }));
      await committed(ledger);
      const query = { since: NOON - 2 * DAY, until: NOON + DAY, utcOffsetMinutes: 0, caller: "ann" };
      const { cells, latencies } = await ledger.cells(query);
      const common = { route: "chat", model: "gpt" };
      expect(cells).toEqual([
        {
          ...common,
          day: "2026-11-22",
          session: "agent:main:main",
          streams: 3,
          failed: 1,
          input: 140,
          output: 40,
          cacheRead: 60,
          cacheWrite: 0,
          costNano: 1_200_000,
          unpriced: 0,
          firstAt: NOON,
          lastAt: NOON + 1_000,
        },
        expect.objectContaining({ day: "2026-11-22", session: null, streams: 1, costNano: 0, unpriced: 1 }),
        expect.objectContaining({ day: "2026-11-21", session: "agent:main:main", streams: 1 }),
      ]);
      expect(latencies).toHaveLength(4);
      expect(latencies[0]).toEqual({ day: "2026-11-22", session: "agent:main:main", totalMs: 100.125 });
      const far = await ledger.cells({ ...query, utcOffsetMinutes: 13 * 60, session: "agent:main:main" });
      expect(far.cells.map(({ day, streams }) => [day, streams])).toEqual([
        ["2026-11-23", 3],
        ["2026-11-22", 1],
      ]);
    });

    test("a stopped ledger refuses opens, ignores closings, and can be stopped again", async () => {
      await ledger.stop();
      expect(() => ledger.open(opening("a"), false)).toThrow(expect.objectContaining({ code: "ledger_unavailable" }));
      ledger.close(closing("a"));
      await ledger.stop();
    });

    test("behaves like a plain map under any sequence of calls", async () => {
      const attempt = async (commands: Iterable<fc.AsyncCommand<Model, StoredLedger>>) => {
        const real = await open();
        await fc.asyncModelRun(() => ({ model: emptyModel(), real }), commands);
        await real.stop();
      };
      await fc.assert(fc.asyncProperty(ledgerCommands(committed), attempt), { numRuns: runs });
    });
  });
}
