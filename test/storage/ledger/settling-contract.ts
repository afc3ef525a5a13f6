import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { LastRow, LeftRow, Recall, StoredLedger } from "../../../src/storage/ledger/stored-ledger.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";
import { committed } from "./ledger-contract.ts";

/** A run of a gateway. Stopping its ledger ends it, and leaves its rows open. */
export interface Run {
  readonly ledger: StoredLedger;
  readonly instance: string;
}

const last = (stream: string, more: Partial<LastRow> = {}): LastRow => ({
  ...closing(stream),
  bytes: undefined,
  ...more,
});

const LOST = {
  outcome: "lost",
  usage: { source: "estimated", inputTokens: 90, outputTokens: 1_959 },
  costNano: 2_049,
  timing: {},
} as const;

const UNAVAILABLE = new GatewayError("cluster_unavailable");

/** What every ledger guarantees that several runs share. `newStore` returns how runs open an empty one. */
export function settlingContract(name: string, newStore: () => (recall?: Recall) => Promise<Run>): void {
  describe(`${name}, of a dead run`, () => {
    /** Has a run open these streams, each in a session of its name. */
    async function left(run: Run, streams: readonly string[]): Promise<void> {
      for (const stream of streams) await run.ledger.open(opening(stream, { session: stream }), false);
      await committed(run.ledger);
    }

    /** The outcome and the tokens of each stream, and what they cost. */
    async function rows({ ledger }: Run): Promise<Record<string, unknown>> {
      const { lines } = await ledger.usage({ by: "session" });
      return Object.fromEntries(
        lines.map(({ group, completed, failed, lost, open, exact, estimated }) => {
          const outcome = completed ? "completed" : failed ? "failed" : lost ? "lost" : open ? "open" : "left";
          const { streams: _, inputTokens, outputTokens, costNano } = exact.inputTokens === null ? estimated : exact;
          return [group, [outcome, inputTokens, outputTokens, costNano]];
        }),
      );
    }

    test("closes each row as what is known says, others as lost with their prompts, and none twice", async () => {
      const open = newStore();
      const asked: LeftRow[] = [];
      const known = [
        last("ended", { outcome: "failed", code: "upstream_truncated" }),
        last("ran", LOST),
        last("gone before", { ...LOST, isLeft: true }),
      ];
      const living = await open(async (found) => {
        asked.push(...found);
        return known;
      });
      const frozen = await open();
      await left(frozen, ["ended", "ran", "gone before", "unheard of"]);
      await left(living, ["mine"]);
      expect(await living.ledger.settle(frozen.instance)).toBe(4);
      const after = {
        ended: ["failed", 100, 20, 600_000],
        ran: ["lost", 90, 1_959, 2_049],
        "gone before": ["left", 90, 1_959, 2_049],
        "unheard of": ["lost", 90, null, 90_000],
        mine: ["open", null, null, null],
      };
      expect(await rows(living)).toEqual(after);
      const each = { attempt: 1, openedAt: NOON, counted: { tokens: 90, costNano: 90_000 } };
      expect(asked.map(({ stream }) => stream).sort()).toEqual(["ended", "gone before", "ran", "unheard of"]);
      for (const row of asked) expect(row).toMatchObject(each);
      expect(await living.ledger.settle(frozen.instance)).toBe(0);
      // It was only frozen: its own word stands over an estimate, and not over its own.
      for (const stream of ["ended", "ran"]) frozen.ledger.close(closing(stream, { costNano: 7 }));
      await committed(frozen.ledger);
      expect(await rows(living)).toEqual({ ...after, ran: ["completed", 100, 20, 7] });
      for (const { ledger } of [living, frozen]) await ledger.stop();
    });

    test("counts what a key spent as its caps did: all that was used", async () => {
      const open = newStore();
      const counted = { tokens: 500, costNano: 5 };
      const unknown = { usage: { source: "unknown" }, costNano: undefined, counted } as const;
      const living = await open(async () => [last("ran", LOST), last("plain", unknown)]);
      const dead = await open();
      await left(dead, ["ran", "plain"]);
      await living.ledger.settle(dead.instance);
      expect(await living.ledger.spentSince(0)).toEqual([
        { keyId: "k_ann", tokens: 90 + 1_959 + 500, costNano: 2_049 + 5 },
      ]);
      for (const { ledger } of [living, dead]) await ledger.stop();
    });

    test("waits while it cannot be learned what is known", async () => {
      const open = newStore();
      let isAway = true;
      const living = await open(async () => {
        if (isAway) throw UNAVAILABLE;
        return [last("ran", LOST)];
      });
      const dead = await open();
      await left(dead, ["ran"]);
      await expect(living.ledger.settle(dead.instance)).rejects.toBe(UNAVAILABLE);
      expect(await rows(living)).toEqual({ ran: ["open", null, null, null] });
      isAway = false;
      expect(await living.ledger.settle(dead.instance)).toBe(1);
      expect(await rows(living)).toEqual({ ran: ["lost", 90, 1_959, 2_049] });
      for (const { ledger } of [living, dead]) await ledger.stop();
    });

    test("asks what is known also when the next run starts; that does not fail for want of an answer", async () => {
      const open = newStore();
      const dead = await open();
      await left(dead, ["ran"]);
      await dead.ledger.stop();
      const deaf = await open(async () => {
        throw UNAVAILABLE;
      });
      expect(await rows(deaf)).toEqual({ ran: ["open", null, null, null] });
      const next = await open(async () => [last("ran", LOST)]);
      expect(await rows(next)).toEqual({ ran: ["lost", 90, 1_959, 2_049] });
      for (const { ledger } of [deaf, next]) await ledger.stop();
    });
  });
}
