import { expect, test } from "@jest/globals";
import { RedisClock } from "../../../src/cluster/caps/redis-clock.ts";
import { MOST_WAITING } from "../../../src/cluster/caps/settlements.ts";
import { ownTime } from "../../support/jest/own-time.ts";
import { describeWithRedis, TestRedis } from "../../support/stores/redis.ts";
import { finish, keyLevel, NOON, outcome, World } from "./caps-rig.ts";

const MINUTE = 60_000;

describeWithRedis("caps over all nodes", (redis) => {
  test("hold although the clocks of the nodes differ by five minutes", async () => {
    const world = new World(redis());
    const clockOf = (aheadMs: number) =>
      new RedisClock({ now: () => performance.now(), wall: () => Date.now() + aheadMs });
    await using early = await world.node("early", clockOf(5 * MINUTE));
    await using late = await world.node("late", clockOf(0));
    const levels = [keyLevel({ requestsPerMinute: 4 })];
    const minute = () => Math.floor(Date.now() / MINUTE);
    const began = minute();
    const outcomes: string[] = [];
    for (let turn = 0; turn < 40; turn++) outcomes.push(await outcome((turn % 2 === 0 ? early : late).open(levels)));
    expect(outcomes.filter((each) => each === "open").length).toBeLessThanOrEqual(4 * (minute() - began + 1));
    expect(new Set(outcomes)).toEqual(new Set(["open", "rate_limited"]));
  });

  test("count what ends while Redis is away, of any number of streams, in bounded memory", async () => {
    await using kept = await TestRedis.start("--appendonly", "yes", "--appendfsync", "no");
    const world = new World(kept);
    await using node = await world.node("one");
    const capped = await node.open([keyLevel({ tokensPerDay: 100_000 })]);
    await kept.kill();
    await node.away();
    for (let stream = 0; stream < 3 * MOST_WAITING; stream++) {
      const each = await node.open([keyLevel({}, `free-${stream % 3}`)]);
      finish(each, 2);
    }
    finish(capped, 70);
    expect(node.caps.waiting).toBe(MOST_WAITING + 3 + 1);
    await kept.resume();
    for (const name of ["key:free-0", "key:free-1", "key:free-2"]) {
      await node.until(name, { run: 0, t2: 2 * MOST_WAITING, t3: 2 * MOST_WAITING });
    }
    await node.until("key:ci", { run: 0, ht: 0, t2: 70 });
    await node.settledAgain();
    expect(node.faults).toEqual([]);
  });

  test("hold nothing within ten seconds of a node that left while it could not say so", async () => {
    const world = new World(redis());
    await using other = await world.node("other");
    const leaver = await world.node("leaver");
    const stream = await leaver.open([keyLevel({ tokensPerDay: 1_000 })], { promptTokens: 30 });
    leaver.link.close();
    finish(stream, 90);
    await leaver[Symbol.asyncDispose]();
    expect(await other.account("key:ci")).toMatchObject({ run: 1 });
    const taken = ownTime();
    await other.until("key:ci", { run: 0, ht: 0, t2: 30 });
    expect(taken()).toBeLessThan(10_000);
  });

  test.each([0, 1, 10_000_001, Number.MAX_SAFE_INTEGER])(
    "are not passed by a stream that asks for %d tokens of output",
    async (outputTokens) => {
      const world = new World(redis());
      await using node = await world.node("one");
      const levels = [keyLevel({ tokensPerDay: 1_000, costPerDay: 1 })];
      const price = { input: 1, output: 2 };
      const first = await node.open(levels, { promptTokens: 10, outputTokens: 990, price });
      expect(await outcome(node.open(levels, { promptTokens: 10, outputTokens, price }))).toBe("too_many_streams");
      first.settle(995, 0.001e9, NOON);
      first.release();
      await node.until("key:ci", { run: 0, ht: 0, t2: 995, n2: 1e6 });
      expect(await outcome(node.open(levels, { promptTokens: 10, outputTokens, price }))).toBe("cap_exceeded");
      expect(node.faults).toEqual([]);
    },
  );
});

describeWithRedis("caps over all nodes, with garbage where they are counted", (redis) => {
  const LEVELS = [keyLevel({ tokensPerDay: 1_000 })];

  test("let nothing in that they cannot count, say so once, and go on when it is gone", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    (await node.open(LEVELS)).release();
    await node.until("key:ci", { run: 0 });
    const account = world.names.of("{money}", "account", "key:ci");
    await node.link.command(["HSET", account, "t2", "garbage"]);
    for (let open = 0; open < 5; open++) expect(await outcome(node.open(LEVELS))).toBe("cluster_unavailable");
    expect(node.faults).toEqual([expect.objectContaining({ code: "cluster_unavailable" })]);
    await node.link.command(["DEL", account]);
    expect(await outcome(node.open(LEVELS))).toBe("open");
  });

  test.each(["epoch", "rebuilt", "began", "stated", "counted"])(
    "refuse with one code while %s is of another type, and are rebuilt without it",
    async (name) => {
      const world = new World(redis());
      await using node = await world.node("one");
      const key = world.names.of("{money}", name);
      const held = await node.open(LEVELS);
      await node.link.command(["DEL", key]);
      await node.link.command(["HSET", key, "a", "b"]);
      node.caps.returned();
      const told = () => node.faults.length > 0;
      for (let look = 0; look < 300 && !told(); look++) {
        expect(await outcome(node.open(LEVELS, { outputTokens: 16 }))).toMatch(
          /^(cluster_unavailable|open|too_many_streams)$/,
        );
      }
      await redis().ask("FLUSHALL");
      held.release();
      await node.until("key:ci", { run: 0, ht: 0, t2: 0 });
      await node.ready();
      expect(node.faults.length).toBeLessThanOrEqual(2);
    },
  );

  test("settle the other streams of a dead node", async () => {
    const world = new World(redis());
    await using other = await world.node("other");
    await using dead = await world.node("dead");
    const streams = [await dead.open(LEVELS), await dead.open(LEVELS), await dead.open(LEVELS)];
    const row = (at: number) => world.names.of("{money}", "row", streams[at]?.stream ?? "");
    await other.link.command(["DEL", row(0)]);
    await other.link.command(["SET", row(1), "garbage"]);
    await expect(other.caps.gone("dead")).rejects.toThrow("WRONGTYPE");
    expect(await other.link.command(["HGET", row(2), "s"])).toBe("estimated");
    await other.link.command(["DEL", row(1)]);
    expect(await other.caps.gone("dead")).toBe(1);
    expect(await other.link.command(["EXISTS", world.names.of("{money}", "holds", "dead")])).toBe(0);
    for (const stream of streams) stream.release();
  });
});
