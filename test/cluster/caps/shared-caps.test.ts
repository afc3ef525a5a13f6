import { expect, test } from "@jest/globals";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { finish, keyLevel, openAtOnce, World } from "./caps-rig.ts";

describeWithRedis("caps over all nodes", (redis) => {
  test("let exactly as many of 600 opens at once on three nodes in as there is room for", async () => {
    const world = new World(redis());
    await using one = await world.node("one");
    await using two = await world.node("two");
    await using three = await world.node("three");
    const levels = [keyLevel({ tokensPerDay: 37 * 110 })];
    const nodes = [one, two, three];
    const { open, codes } = await openAtOnce(nodes, () => levels);
    expect(open.length).toBe(37);
    expect(codes).toEqual(new Set(["too_many_streams"]));
    expect(await one.account("key:ci")).toMatchObject({ run: 37, ht: 37 * 110, t2: 0 });
    for (const each of open) finish(each, 100);
    await one.until("key:ci", { run: 0, ht: 0, t2: 3_700, t3: 3_700 });
    for (const { faults } of nodes) expect(faults).toEqual([]);
  });

  test("refuse in the words of one process", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const levels = [keyLevel({ tokensPerDay: 110 })];
    const first = await node.open(levels);
    finish(first, 100);
    await node.until("key:ci", { t2: 100 });
    const refused = await node.open(levels).catch((error: GatewayError) => error.toBody());
    expect(refused).toEqual({
      code: "cap_exceeded",
      message:
        "ci has used up its tokens per day (110) until 2026-11-23T00:00:00.000Z (sluice keys create --tokens-per-day)",
      retryable: false,
      details: { caller: "ci", cap: "tokensPerDay", limit: 110, used: 100, resetsAt: "2026-11-23T00:00:00.000Z" },
    });
  });
});
