import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Leadership } from "../../../src/cluster/leadership/leadership.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { describeWithRedis } from "../../support/redis.ts";
import { openLink } from "../../support/redis-link.ts";

const LEASE_MS = 60_000;
/** Of Node, but for `setTimeout`: nodes look when a test or another node says so, and not by themselves once a second. */
const REAL = [
  "setImmediate",
  "clearImmediate",
  "setInterval",
  "clearInterval",
  "nextTick",
  "queueMicrotask",
  "performance",
  "Date",
] as const;

describeWithRedis("the lead", (redis) => {
  beforeAll(() => void jest.useFakeTimers({ doNotFake: [...REAL] }));
  afterAll(() => void jest.useRealTimers());

  /** A node whose lease a test gives and takes; `judges`: what it takes for dead counts; `isDeaf`: none wakes it. */
  async function member(
    prefix: string,
    node: string,
    options: { readonly isWilling?: () => boolean; readonly isDeaf?: boolean } = {},
  ) {
    await using made = new AsyncDisposableStack();
    const link = made.use(await openLink(redis().url));
    const names = new Names(prefix);
    const wakes = new Wakes(link);
    if (!options.isDeaf) wakes.open();
    made.defer(() => wakes.close());
    let isLost = false;
    const give = () => {
      isLost = false;
      return link.command(["SET", names.lease(node), "", "PX", String(LEASE_MS)]);
    };
    await give();
    /** Until it is given again. */
    const lost = () => {
      isLost = true;
      return link.command(["DEL", names.lease(node)]);
    };
    const told: string[] = [];
    let judges = true;
    const lead = new Leadership(
      {
        cluster: {
          ...{ node, link, names, wakes },
          lease: {
            isAlive: async (other) => !judges || (await link.command(["EXISTS", names.lease(other)])) === 1,
            renew: async () => void (isLost || (await give())),
          },
          on() {},
        },
        what: "it",
        about: { is: node },
        isWilling: options.isWilling ?? (() => true),
      },
      {
        changed: (leader) => void told.push(leader ? `${leader.node} leads` : "nobody leads"),
        regained: () => void told.push("regained"),
        fault(error) {
          throw error;
        },
      },
    );
    made.use(lead);
    const stack = made.move();
    return {
      ...{ lead, told, lost, give, link },
      judge: (does: boolean) => {
        judges = does;
      },
      leave: () => lead[Symbol.asyncDispose](),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }
  const fresh = () => randomUUID().slice(0, 8);

  test("is one node's, however many ask for it at once", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await using b = await member(prefix, "b");
    await using c = await member(prefix, "c");
    const all = [a, b, c];
    await Promise.all(all.map(({ lead }) => lead.open()));
    await Promise.all(all.map(({ lead }) => lead.look()));
    expect(all.filter(({ lead }) => lead.isHeld)).toHaveLength(1);
    const [leader] = all.filter(({ lead }) => lead.isHere);
    for (const { lead } of all) expect(lead.leader).toEqual(leader?.lead.leader);
  });

  test("passes to a node that waits for it as soon as the leader leaves", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await using b = await member(prefix, "b");
    await a.lead.open();
    await b.lead.open();
    await a.leave();
    await b.lead.look();
    expect(b.told).toEqual(["a leads", "b leads"]);
    expect(b.lead.leader).toEqual({ node: "b", about: { is: "b" } });
  });

  test("passes to another when the leader's lease is gone, and not before that node may judge on it", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await using b = await member(prefix, "b");
    await a.lead.open();
    await b.lead.open();
    b.judge(false);
    await a.lost();
    await b.lead.look();
    expect(b.lead.isHere).toBe(false);
    b.judge(true);
    await b.lead.look();
    expect(b.lead.isHeld).toBe(true);
    await a.lead.look();
    expect(a.told).toEqual(["a leads", "b leads"]);
    expect(a.lead.isHeld).toBe(false);
  });

  test("stays taken by a node that is woken while it begins to look", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a", { isDeaf: true });
    await using b = await member(prefix, "b");
    await a.lead.open();
    await a.lost();
    await Promise.all([b.lead.open(), b.lead.look()]);
    expect([b.told, b.lead.isHeld]).toEqual([["b leads"], true]);
  });

  test("is given up by a node that leaves while it takes it", async () => {
    const prefix = fresh();
    let leave = async () => {};
    let left: Promise<void> | undefined;
    const isWilling = () => {
      left = leave();
      return true;
    };
    await using a = await member(prefix, "a", { isWilling });
    await using b = await member(prefix, "b");
    leave = () => a.leave();
    await a.lead.open();
    await left;
    await b.lead.open();
    expect([a.told, b.told]).toEqual([[], ["b leads"]]);
  });

  test("is not held from the end of the leader's lease, and again when nobody has taken it", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await a.lead.open();
    const real = performance.now.bind(performance);
    const now = jest.spyOn(performance, "now");
    now.mockImplementation(() => real() + LEASE_MS - 10_000);
    expect(a.lead.isHeld).toBe(true);
    now.mockImplementation(() => real() + LEASE_MS);
    expect(a.lead.isHeld).toBe(false);
    expect(a.lead.isHere).toBe(true);
    await a.lead.look();
    expect(a.lead.isHeld).toBe(true);
    expect(a.told).toEqual(["a leads", "regained"]);
    now.mockRestore();
  });

  test("stays with the leader when Redis loses its data, whoever looks first", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await using b = await member(prefix, "b");
    await a.lead.open();
    await b.lead.open();
    // Renewing its lease, it learns that it may not judge yet.
    b.judge(false);
    await a.link.command(["FLUSHALL"]);
    await b.lead.look();
    await b.lead.look();
    expect(b.lead.leader?.node).toBe("a");
    await a.lead.look();
    await b.lead.look();
    expect([a.told, b.told]).toEqual([["a leads"], ["a leads"]]);
    expect(a.lead.isHeld).toBe(true);
  });

  test("is not taken by a node that is about to stop", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a", { isWilling: () => false });
    await a.lead.open();
    expect(a.lead.leader).toBeUndefined();
    await using b = await member(prefix, "b");
    await b.lead.open();
    await a.lead.look();
    expect([a.told, b.lead.isHeld]).toEqual([["b leads"], true]);
  });

  test("that a node gives up is not another's that has it meanwhile", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a", { isDeaf: true });
    await using b = await member(prefix, "b");
    await a.lead.open();
    await b.lead.open();
    await a.lost();
    await b.lead.look();
    expect(b.lead.isHeld).toBe(true);
    // It has not heard of that yet.
    expect(a.lead.isHere).toBe(true);
    await a.leave();
    await using c = await member(prefix, "c");
    await c.lead.open();
    expect(c.lead.leader?.node).toBe("b");
  });

  test("that another has had meanwhile is told as that one's, and then as won again", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a", { isDeaf: true });
    await using b = await member(prefix, "b");
    const { lead } = a;
    await lead.open();
    await a.lost();
    await b.lead.open();
    expect(b.lead.isHeld).toBe(true);
    // It dies before the first has looked.
    await b.lost();
    await a.give();
    await lead.look();
    expect(a.told).toEqual(["a leads", "b leads", "a leads"]);
    await a.lost();
    await using c = await member(prefix, "c");
    await c.lead.open();
    await c.leave();
    await a.give();
    await lead.look();
    expect(a.told.slice(3)).toEqual(["nobody leads", "a leads"]);
    expect(lead.isHeld).toBe(true);
  });
});
