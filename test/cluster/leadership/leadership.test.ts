import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Leadership } from "../../../src/cluster/leadership/leadership.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { describeWithRedis } from "../../support/redis.ts";
import { openLink } from "../../support/redis-link.ts";

const LEASE_MS = "60000";

describeWithRedis("the lead", (redis) => {
  /** A node whose lease a test gives and takes; `judges`: what it takes for dead counts. */
  async function member(prefix: string, node: string, options: { readonly isWilling?: () => boolean } = {}) {
    await using made = new AsyncDisposableStack();
    const link = made.use(await openLink(redis().url));
    const names = new Names(prefix);
    const wakes = new Wakes(link);
    wakes.open();
    made.defer(() => wakes.close());
    const give = (ms = LEASE_MS) => link.command(["SET", names.lease(node), "", "PX", ms]);
    await give();
    const lost = () => link.command(["DEL", names.lease(node)]);
    const told: string[] = [];
    let judges = true;
    const lead = new Leadership(
      {
        cluster: {
          ...{ node, link, names, wakes },
          lease: {
            isAlive: async (other) => !judges || (await link.command(["EXISTS", names.lease(other)])) === 1,
            renew: async () => void (await give()),
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

  test("is not held from the end of the leader's lease, and again when nobody has taken it", async () => {
    const prefix = fresh();
    await using a = await member(prefix, "a");
    await a.lead.open();
    await a.give("40");
    await a.lead.look();
    while (a.lead.isHeld) await after(5);
    expect(a.lead.isHere).toBe(true);
    await a.lead.look();
    expect(a.lead.isHeld).toBe(true);
    expect(a.told).toEqual(["a leads", "regained"]);
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
    await using a = await member(prefix, "a");
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
});
