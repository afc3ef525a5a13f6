import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Caps } from "../../../src/core/caller/caller.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Account, openIn } from "../../../src/core/quota/account.ts";
import type { CapReservation } from "../../../src/core/quota/cap-reservation.ts";
import { type Level, levelsOf } from "../../../src/core/quota/payer.ts";
import { callerOf } from "../../support/relay/reserving-relay.ts";
import { describeWithRedis, TestRedis } from "../../support/stores/redis.ts";
import { finish, NOON, openAtOnce, outcome, World } from "./caps-rig.ts";

/** What a key of a team counts in. */
function levels(keyId: string, caps: { key?: Caps; team?: Caps; all?: Caps }): readonly Level[] {
  const { grant } = callerOf(caps.key ?? {}, { keyId, team: { name: "red", caps: caps.team ?? {} } });
  return levelsOf({ name: `caller-${keyId}`, ...(grant && { grant }) }, caps.all ?? {});
}

describeWithRedis("a team's caps over all nodes", (redis) => {
  test("let exactly 37 of 600 opens at once in, on three nodes and with five keys, where there is room for 37", async () => {
    const world = new World(redis());
    await using one = await world.node("one");
    await using two = await world.node("two");
    await using three = await world.node("three");
    const nodes = [one, two, three];
    const team = { tokensPerDay: 37 * 110 };
    const { open, codes } = await openAtOnce(nodes, (index) => levels(`k${index % 5}`, { team }));
    expect(open.length).toBe(37);
    expect(codes).toEqual(new Set(["too_many_streams"]));
    expect(await one.account("team:red")).toMatchObject({ run: 37, ht: 37 * 110 });
    // All or nothing: no key holds anything for those refused.
    const keys = await Promise.all(["k0", "k1", "k2", "k3", "k4"].map((key) => one.account(`key:${key}`)));
    expect(keys.reduce((sum, { run = 0 }) => sum + run, 0)).toBe(37);
    for (const each of open) finish(each, 100);
    for (const account of ["team:red", "all"])
      await one.until(account, { run: 0, ht: 0, t2: 3_700, t3: 3_700, q1: 37 });
    for (const { faults } of nodes) expect(faults).toEqual([]);
  });

  test("cut a long answer of one key as the key's own would, and say so in the name of its caller alone", async () => {
    const world = new World(redis());
    await using node = await world.node("one");
    const team = { tokensPerDay: 20_000 };
    await node.open(levels("other", { team }));
    let why: GatewayError | undefined;
    const cut = (error: GatewayError) => (why = error);
    const stream = await node.open(levels("mine", { team }), { outputTokens: undefined, cut });
    for (let characters = 200; why === undefined; characters += 200) {
      why = stream.meter({}, characters, NOON);
      await node.link.command(["PING"]);
    }
    expect(why).toMatchObject({ code: "cap_exceeded", details: { caller: "caller-mine", team: "red" } });
    expect(stream.counted.tokens).toBeLessThanOrEqual(20_000 + 50);
  });

  test("hold again once Redis has lost its data: from the ledger, by key, team and all", async () => {
    await using lost = await TestRedis.start();
    const world = new World(lost);
    await using one = await world.node("one");
    await using two = await world.node("two");
    const mine = levels("mine", { team: { tokensPerDay: 7_000 } });
    const far = await two.open(mine);
    world.spent = [
      { keyId: "mine", team: "red", tokens: 1_000, costNano: 0 },
      { keyId: "mine", team: "blue", tokens: 200, costNano: 0 },
      { keyId: "other", team: "red", tokens: 5_000, costNano: 7 },
      { keyId: undefined, team: undefined, tokens: 30, costNano: 0 },
    ];
    await lost.kill();
    await lost.resume();
    await one.until("team:red", { run: 1, ht: 110, t2: 6_000, t3: 6_000, n3: 7 });
    await one.until("team:blue", { run: 0, t2: 200 });
    await one.until("key:mine", { run: 1, ht: 110, t2: 1_200 });
    await one.until("all", { run: 1, ht: 110, t2: 6_230, n2: 7 });
    await one.ready();
    expect(await outcome(one.open(mine, { promptTokens: 900 }))).toBe("too_many_streams");
    await one.caps.gone("two");
    expect(await one.account("team:red")).toMatchObject({ run: 0, ht: 0, t2: 6_010 });
    expect(await one.account("all")).toMatchObject({ run: 0, ht: 0, t2: 6_240 });
    far.release();
  });
});

const KEYS = ["a", "b"] as const;
const amount = fc.integer({ min: 1, max: 3_000 });
const caps: fc.Arbitrary<Caps> = fc.record(
  {
    tokensPerMinute: amount,
    tokensPerDay: amount,
    costPerMonth: amount.map((tokens) => tokens / 1_000_000),
    requestsPerMinute: fc.integer({ min: 1, max: 8 }),
    concurrentStreams: fc.integer({ min: 1, max: 6 }),
  },
  { requiredKeys: [] },
);
const step = fc.record({
  key: fc.constantFrom(...KEYS),
  prompt: fc.integer({ min: 1, max: 200 }),
  output: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
  ends: fc.option(fc.nat(), { nil: undefined }),
  spent: fc.nat(400),
});

describeWithRedis("the same opens under any caps of keys, teams and the gateway", (redis) => {
  test("are decided in a cluster as in one process: who is let in, with how much, and the refusals' words", async () => {
    const everyCap = fc.record({ a: caps, b: caps, team: caps, all: caps });
    const property = fc.asyncProperty(everyCap, fc.array(step, { maxLength: 20 }), async (every, steps) => {
      const world = new World(redis());
      await using node = await world.node("one");
      const accounts = new Map<string, Account>();
      const accountOf = (name: string) => {
        const account = accounts.get(name) ?? new Account(NOON);
        accounts.set(name, account);
        return account;
      };
      const running: (readonly [CapReservation, CapReservation])[] = [];
      for (const { key, prompt, output, ends, spent } of steps) {
        const asked = levels(key, { key: every[key], team: every.team, all: every.all });
        const ask = { promptTokens: prompt, outputTokens: output, price: { input: 1, output: 1 }, cut() {} };
        const together = await node.open(asked, ask).catch((error: GatewayError) => error.toBody());
        let alone: CapReservation | object;
        try {
          alone = openIn(
            asked.map((level) => ({ account: accountOf(level.account), level })),
            ask,
            NOON,
          );
        } catch (error) {
          alone = (error as GatewayError).toBody();
        }
        const seen = (one: object) => ("settle" in one ? (one as CapReservation).maxOutputTokens : one);
        expect(seen(together)).toEqual(seen(alone));
        if ("settle" in together) running.push([together, alone as CapReservation]);
        const [ended] = ends === undefined ? [] : running.splice(ends % Math.max(1, running.length), 1);
        for (const one of ended ?? []) {
          one.settle(spent, spent * 1_000, NOON);
          one.release();
        }
        await node.settledAgain();
      }
      for (const pair of running) for (const one of pair) one.release();
      await node.settledAgain();
      for (const name of accounts.keys()) expect(await node.account(name)).toMatchObject({ run: 0, ht: 0, hn: 0 });
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
