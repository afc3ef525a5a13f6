import { describe, expect, test } from "@jest/globals";
import { SLICE_TOKENS } from "../../../src/cluster/caps/hold.ts";
import { askAtOnce, ROOM, ROOM_FOR } from "../../soak/cluster/caps-at-once.ts";
import { oversize } from "../../soak/cluster/caps-oversized.ts";
import { revokeBehind } from "../../soak/cluster/revocations.ts";
import { startCappedRig, untilFree } from "../../support/cluster/capped-rig.ts";
import { CAN_RUN as HAS_POSTGRES } from "../../support/stores/postgres-server.ts";
import { CAN_RUN as HAS_REDIS } from "../../support/stores/redis-server.ts";

/** Opens on each node: enough for three to compete, and few enough for a busy machine. */
const EACH = 40;
const PATIENCE_MS = 60_000;

const describeHere = HAS_POSTGRES && HAS_REDIS ? describe : describe.skip;
const missing = HAS_POSTGRES && HAS_REDIS ? "" : " (skipped: redis-server or PostgreSQL is not installed here)";

describeHere(`keys of three nodes${missing}`, () => {
  test("are held to their caps, billed for what the upstream counts, and revoked where Redis is out of reach", async () => {
    await using capped = await startCappedRig({ built: false });
    const [crowded, long, revoked] = await capped.add({
      crowded: ROOM_FOR.tokensPerDay,
      long: { tokensPerDay: 12_000 },
      revoked: {},
    });
    const [node] = capped.rig.fleet.nodes;
    if (!crowded || !long || !revoked || !node) throw new Error("a key or a node is missing");

    const atOnce = await askAtOnce(capped, crowded, EACH);
    expect(atOnce).toMatchObject({ accepted: ROOM, holding: ROOM, refused: { rate_limit_exceeded: 3 * EACH - ROOM } });
    expect(await untilFree(capped, PATIENCE_MS)).toBeLessThan(PATIENCE_MS);
    const found = await capped.bills(atOnce.answers);
    expect(found).toMatchObject({
      missing: [],
      wrong: [],
      guessed: [],
      strayCalls: [],
      exact: { rows: ROOM },
      estimated: { rows: 0 },
    });
    expect(found.exact.ledger).toBe(found.exact.upstream);

    const oversized = await oversize(capped, long, { streams: 1 });
    expect(oversized.found.estimated.rows).toBe(1);
    expect(oversized.over).toBeLessThanOrEqual(SLICE_TOKENS);

    const { cutOff, others, wrong } = await revokeBehind(capped, revoked, node, { way: "silence", each: 2 });
    expect([cutOff.length, others.length, wrong]).toEqual([2, 4, 0]);
  }, 300_000);
});
