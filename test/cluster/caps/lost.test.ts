import { expect, test } from "@jest/globals";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithRedis, TestRedis } from "../../support/stores/redis.ts";
import { finish, keyLevel, NOON, outcome, World } from "./caps-rig.ts";

const LEVELS = [keyLevel({ tokensPerDay: 10_000 })];

describeWithRedis("the counters of a cluster", (redis) => {
  test("are settled after an outage with what streams spent meanwhile, and let nothing in while it lasts", async () => {
    await using kept = await TestRedis.start("--appendonly", "yes", "--appendfsync", "always");
    const world = new World(kept);
    await using node = await world.node("one");
    const streams = [await node.open(LEVELS), await node.open(LEVELS), await node.open(LEVELS)];
    await kept.kill();
    for (const stream of streams) finish(stream, 100);
    await node.away();
    expect(await outcome(node.open(LEVELS))).toBe("cluster_unavailable");
    expect(await outcome(node.open([keyLevel({}, "free")]))).toBe("open");
    await kept.resume();
    await node.until("key:ci", { run: 0, ht: 0, t2: 300 });
    expect(await outcome(node.open(LEVELS))).toBe("open");
    expect(world.left.length).toBe(2);
    expect(node.faults).toEqual([]);
  });

  test("are rebuilt once they are lost, from the ledger, what runs on any node and what ended lately", async () => {
    await using lost = await TestRedis.start();
    const world = new World(lost);
    await using one = await world.node("one");
    await using two = await world.node("two");
    const ended = await one.open(LEVELS);
    finish(ended, 70);
    const [here, there] = [await one.open(LEVELS), await two.open(LEVELS)];
    here.meter({}, 4 * 20, NOON);
    await one.until("key:ci", { run: 2, t2: 70 + 30 });
    world.spent = [
      { keyId: "ci", tokens: 5_000, costNano: 0 },
      { keyId: "other", tokens: 3, costNano: 7 },
    ];
    const before = world.counted.get("counters_rebuilt") ?? 0;
    await lost.kill();
    await lost.resume();
    await one.until("key:ci", { run: 2, t2: 5_000 + 70 + 30, t3: 5_000 + 70 + 30, ht: 80 + 110 });
    await one.until("key:other", { t2: 3, n3: 7 });
    // The ledger was asked to leave out what the nodes have counted themselves, if not by a node that came too late to rebuild.
    const counted = [ended.stream, here.stream, there.stream].sort();
    expect(world.left.map((each) => [...each].sort())).toContainEqual(counted);
    await one.ready();
    await two.ready();
    expect(world.counted.get("counters_rebuilt")).toBe(before + 1);
    for (const stream of [here, there]) finish(stream, 40);
    await one.until("key:ci", { run: 0, ht: 0, t2: 5_000 + 70 + 80 });
    expect([...one.faults, ...two.faults]).toEqual([]);
  });

  test("hear again what streams have spent from a node that finds Redis as it was before", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const stream = await node.open(LEVELS);
    const keys = [world.names.of("{money}", "row", stream.stream), world.names.of("{money}", "account", "key:ci")];
    // As a replica has it that lacks what was written last.
    for (const key of keys) await node.link.command(["COPY", key, `${key}-replica`]);
    stream.meter({}, 4 * 20, NOON);
    await node.until("key:ci", { run: 1, t2: 30 });
    for (const key of keys) await node.link.command(["COPY", `${key}-replica`, key, "REPLACE"]);
    node.caps.returned();
    await node.until("key:ci", { run: 1, t2: 30 });
    finish(stream, 40);
    await node.until("key:ci", { run: 0, ht: 0, t2: 40 });
    expect(node.faults).toEqual([]);
  });

  test("keep what a dead node's streams were known to have spent, at least their prompts", async () => {
    const world = new World(redis());
    await using one = await world.node("one");
    await using two = await world.node("two");
    const [far, near] = [await two.open(LEVELS), await two.open(LEVELS)];
    far.meter({}, 4 * 60, NOON);
    await one.until("key:ci", { run: 2, t2: 70 });
    for (let time = 0; time < 2; time++) {
      await one.caps.gone("two");
      expect(await one.account("key:ci")).toMatchObject({ run: 0, ht: 0, t2: 70 + 10 });
    }
    expect(world.counted.get("hold_settled")).toBe(2);
    // It was only frozen: what it settles now corrects the estimates, and is not counted beside them.
    far.settle(95, undefined, NOON);
    near.settle(20, undefined, NOON);
    for (const stream of [far, near]) stream.release();
    await one.until("key:ci", { run: 0, ht: 0, t2: 115 });
    two.caps.returned();
    await two.settledAgain();
    expect(await one.account("key:ci")).toMatchObject({ run: 0, ht: 0, t2: 115, t3: 115 });
  });
});

describeWithRedis("a dead node's streams", (redis) => {
  test("are settled with what is known elsewhere: an end as it is, a checkpoint if it is more than what was told", async () => {
    const world = new World(redis());
    await using one = await world.node("one");
    await using two = await world.node("two");
    const names = ["ended", "behind", "ahead", "unheard of"] as const;
    const streams = await Promise.all(names.map((name) => two.open([keyLevel({ tokensPerDay: 10_000 }, name)])));
    for (const stream of streams) stream.meter({}, 4 * 60, NOON);
    for (const name of names) await one.until(`key:${name}`, { run: 1, t2: 70 });
    const known = { ended: 20, behind: 71, ahead: 69 };
    for (const [at, tokens] of Object.values(known).entries()) {
      world.known.set(streams[at]?.stream ?? "", { tokens, nano: tokens * 2, isFinal: at === 0 });
    }
    for (let time = 0; time < 2; time++) {
      await one.caps.gone("two");
      const found = await Promise.all(names.map((name) => one.account(`key:${name}`)));
      expect(found.map(({ run, ht, hn, t2, n2 }) => [run, ht, hn, t2, n2])).toEqual([
        [0, 0, 0, 20, 40],
        [0, 0, 0, 71, 142],
        [0, 0, 0, 70, 138],
        [0, 0, 0, 70, 0],
      ]);
    }
    // It was only frozen.
    for (const stream of streams) finish(stream, 75);
    for (const name of names) await one.until(`key:${name}`, { run: 0, ht: 0, t2: 75 });
  });
});

describeWithRedis("a long answer", (redis) => {
  /** Meters a stream word by word, Redis answering in between, until it is cut; returns what it spent. */
  async function write(cap: number, more: number): Promise<number> {
    const world = new World(redis());
    await using node = await world.node("one");
    let why: string | undefined;
    const cut = ({ code }: { readonly code: string }) => (why = code);
    const stream = await node.open([keyLevel({ tokensPerDay: cap })], { outputTokens: undefined, cut });
    let characters = 0;
    for (; why === undefined && characters < 4_000_000; characters += more) {
      why = stream.meter({}, characters + more, NOON)?.code;
      await node.link.command(["PING"]);
    }
    expect(why).toBe("cap_exceeded");
    return stream.counted.tokens;
  }

  test("takes more and more until the cap is used up, and no more than one event beyond", async () => {
    const spent = await write(30_000, 4 * 50);
    expect(spent).toBeGreaterThan(30_000);
    expect(spent).toBeLessThanOrEqual(30_050);
  });

  test.each([
    ["tokens", { tokensPerDay: 110 }],
    ["cost", { costPerDay: 0.00021 }],
  ])(
    "that uses exactly what is set aside under a cap on %s comes to its own end, however soon Redis says that there is no more",
    async (...row) => {
      const [, caps] = row;
      const world = new World(redis());
      await using node = await world.node("one");
      const cut: unknown[] = [];
      const price = { input: 1, output: 2 };
      const stream = await node.open([keyLevel(caps)], {
        outputTokens: undefined,
        price,
        cut: (error) => cut.push(error),
      });
      for (const characters of [4 * 99, 4 * 100, 4 * 100]) {
        expect(stream.meter({}, characters, NOON)).toBeUndefined();
        // Redis has answered that there is no more.
        for (let time = 0; time < 3; time++) await node.link.command(["PING"]);
      }
      expect(cut).toEqual([]);
      expect(stream.meter({}, 4 * 101, NOON)).toMatchObject({ code: "cap_exceeded" });
      finish(stream, 110);
    },
  );

  test("that passes the limit of its request is cut once Redis has said that there is no more", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const cut = Promise.withResolvers<GatewayError>();
    const stream = await node.open([keyLevel({ tokensPerDay: 110 })], { cut: cut.resolve });
    expect(stream.meter({}, 4 * 101, NOON)).toBeUndefined();
    expect(await cut.promise).toMatchObject({ code: "cap_exceeded" });
    finish(stream, 111);
  });

  test("with a limit takes no more than that while it keeps to it, and leaves the rest to others", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const levels = [keyLevel({ tokensPerDay: 10_000 })];
    const long = await node.open(levels, { outputTokens: 4_000 });
    expect(long.meter({}, 4 * 3_999, NOON)).toBeUndefined();
    expect(await outcome(node.open(levels, { outputTokens: 5_980 }))).toBe("open");
    // What the first has spent may have been reported meanwhile.
    const { run, ht = 0, t2 = 0 } = await node.account("key:ci");
    expect([run, ht + t2]).toEqual([2, 4_010 + 5_990]);
  });

  test("that grows faster than Redis answers is cut within a slice", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const stream = await node.open([keyLevel({ tokensPerDay: 8_300 })], { outputTokens: undefined });
    let why: unknown;
    for (let characters = 200; why === undefined; characters += 200) why = stream.meter({}, characters, NOON);
    expect(stream.counted.tokens).toBeLessThanOrEqual(8_300 + 4_096 + 50);
  });

  test.each([1, 2])(
    "and eleven others that grow faster than Redis answers are cut within a slice together, on %d node(s)",
    async (count) => {
      const world = new World(redis());
      const cap = 12 * 200;
      await using one = await world.node("one");
      await using two = count === 2 ? await world.node("two") : one;
      await one.seen(count);
      await two.seen(count);
      const opens = Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? one : two).open([keyLevel({ tokensPerDay: cap })], { outputTokens: 190 }),
      );
      const running = new Set(await Promise.all(opens));
      const all = [...running];
      for (let characters = 40; running.size > 0; characters += 40) {
        for (const stream of running) {
          if (stream.meter({}, characters, NOON)?.code !== "cluster_unavailable") continue;
          running.delete(stream);
          finish(stream, stream.counted.tokens);
        }
      }
      // The event with which each asked, and the one with which it is cut, come on top.
      const spent = all.reduce((sum, { counted }) => sum + counted.tokens, 0);
      expect(spent).toBeGreaterThan(cap + 4_096 - 12 * 10);
      expect(spent).toBeLessThanOrEqual(cap + 4_096 + 12 * 20);
      await one.until("key:ci", { run: 0, ht: 0, t2: spent });
      // The other node may hear later what it asked Redis for.
      await turnsUntil(() => one.caps.ahead + two.caps.ahead === 0);
    },
  );

  test("with a prompt longer than it seemed runs on where there is room", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const stream = await node.open([keyLevel({ tokensPerDay: 100_000 })], { outputTokens: 50 });
    expect(stream.meter({ inputTokens: 20_000 }, 0, NOON)).toBeUndefined();
    await node.until("key:ci", { ht: 20_000 + 4_096 });
    expect(stream.meter({ inputTokens: 20_000 }, 40, NOON)).toBeUndefined();
  });
});
