import { expect, test } from "@jest/globals";
import { Names } from "../../../src/cluster/link/names.ts";
import { LEASE_MS, type LeaseEvents, NodeLease } from "../../../src/cluster/link/node-lease.ts";
import type { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { beforeRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

/** A lease that keeps what it has heard of the cluster. */
function leaseOf(node: string, link: RedisLink, names: Names, events: Partial<LeaseEvents> = {}) {
  const heard: string[] = [];
  const lease = new NodeLease(node, link, names, "", {
    dataLost: () => heard.push("dataLost"),
    lapsed: () => heard.push("lapsed"),
    gone: async (dead) => void heard.push(`gone ${dead}`),
    cleared: (dead) => heard.push(`cleared ${dead}`),
    fault(error) {
      throw error;
    },
    ...events,
  });
  return Object.assign(lease, { heard });
}

describeWithRedis("a node's lease", (redis) => {
  /** The open lease of a node in a cluster of its own; given back at the end. */
  async function setUp(
    prefix: string,
    {
      node = "a",
      url = redis().url,
      ...events
    }: Partial<LeaseEvents> & {
      readonly node?: string;
      readonly url?: string;
    } = {},
  ) {
    await using made = new AsyncDisposableStack();
    const link = made.use(await openLink(url));
    const names = new Names(prefix);
    const lease = made.adopt(leaseOf(node, link, names, events), (held) => held.close());
    await lease.open();
    const stack = made.move();
    return { link, names, lease, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test("is there until the node leaves, which it may do twice", async () => {
    await using up = await setUp("leaves");
    const { link, names, lease } = up;
    expect(await lease.nodes()).toEqual(["a"]);
    await turnsUntil(async () => Number(await link.command(["PTTL", names.lease("a")])) > LEASE_MS - 2_000);
    await lease.close();
    await lease.close();
    expect(await link.command(["EXISTS", names.lease("a")])).toBe(0);
    expect(await link.command(["SMEMBERS", names.nodes])).toEqual([]);
  });

  test("counts from when its renewal was asked for, not from when that was confirmed", async () => {
    await using late = await beforeRedis(redis().port, (_, pass) => void setTimeout(pass, 300));
    await using up = await setUp("late", { url: late.url });
    expect(up.lease.ageMs).toBeGreaterThanOrEqual(299);
  });

  test("says that it lapsed, and that Redis lost its data", async () => {
    await using up = await setUp("lapsed");
    const { link, names, lease } = up;
    await lease.renew();
    expect(lease.heard).toEqual([]);
    await link.command(["DEL", names.lease("a")]);
    await lease.renew();
    expect(lease.heard).toEqual(["lapsed"]);
    await link.command(["FLUSHALL"]);
    await lease.renew();
    expect(lease.heard).toEqual(["lapsed", "dataLost"]);
  });

  test("that was lost with all others lets no node take the others for dead", async () => {
    await using up = await setUp("outage");
    const { link, names, lease } = up;
    using _ = lease.watch();
    // As after an outage of Redis that was longer than a lease: this node is back first.
    await link.command(["SADD", names.nodes, "b"]);
    await link.command(["DEL", names.lease("a")]);
    await lease.renew();
    // What a renewal begins has asked Redis by now.
    await link.command(["PING"]);
    expect(await link.command(["EXISTS", names.clearing("b")])).toBe(0);
    expect(await lease.isAlive("b")).toBe(true);
    expect(lease.heard).toEqual(["lapsed"]);
  });

  test("judges nobody in an epoch that the node does not know, nor for the length of a lease after an outage", async () => {
    await using up = await setUp("doubts");
    const { link, names, lease } = up;
    await link.command(["SADD", names.nodes, "b", "c"]);
    await link.command(["SET", names.lease("c"), ""]);
    await turnsUntil(async () => !(await lease.isAlive("b")));
    expect(await lease.others()).toEqual(["c"]);
    // Another node was first to come back to a Redis that has lost its data, or is another one.
    await link.command(["SET", names.epoch, "another"]);
    expect([await lease.isAlive("b"), await lease.others()]).toEqual([true, undefined]);
    await lease.renew();
    expect([await lease.isAlive("b"), await lease.others()]).toEqual([true, undefined]);
    await turnsUntil(async () => !(await lease.isAlive("b")));
    // Its own lease has outlived the outage, the other's has not: that one could not renew it either.
    lease.doubt();
    await lease.renew();
    expect([await lease.isAlive("b"), await lease.others()]).toEqual([true, undefined]);
    await lease.renew();
    expect(await lease.isAlive("b")).toBe(true);
    expect(lease.heard).toContain("dataLost");
  });

  test("lets a node judge at once that begins beside one that may, and not one that begins alone or in doubt", async () => {
    await using up = await setUp("calm");
    const { link, names, lease: first } = up;
    await link.command(["SADD", names.nodes, "dead"]);
    /** What a node that begins now makes of the others; it leaves again. */
    const seenBy = async (node: string) => {
      const lease = leaseOf(node, link, names);
      await lease.open();
      const seen = { isAlive: await lease.isAlive("dead"), others: await lease.others() };
      await lease.close();
      return seen;
    };
    // Nobody vouches for it yet that leases lapse with their nodes only.
    expect(await seenBy("b")).toMatchObject({ isAlive: true });
    await turnsUntil(async () => !(await first.isAlive("dead")));
    // It does not outlive the shortest lease that an outage can leave.
    let vouchedMs = 0;
    await turnsUntil(async () => {
      await first.renew();
      vouchedMs = Number(await link.command(["PTTL", names.calm]));
      return vouchedMs > 2_000;
    });
    expect(vouchedMs).toBeLessThanOrEqual(2_500);
    // Here it outlasts whatever a busy machine does.
    await link.command(["PERSIST", names.calm]);
    expect(await seenBy("c")).toEqual({ isAlive: false, others: ["a"] });
    // The last one that may judge has seen an outage.
    first.doubt();
    await first.renew();
    expect(await seenBy("d")).toMatchObject({ isAlive: true });
    // Vouched for in data that are gone.
    await link.command(["SET", names.calm, first.epoch ?? ""]);
    await link.command(["SET", names.epoch, "another"]);
    expect(await seenBy("e")).toMatchObject({ isAlive: true });
  });

  test("is renewed while the node clears away a dead one for as long as that takes, or fails, and another one after it", async () => {
    const asked: string[] = [];
    const cleared = Promise.withResolvers<void>();
    const stuck = Promise.withResolvers<void>();
    await using up = await setUp("clears", {
      node: "living",
      async gone(dead) {
        asked.push(dead);
        if (asked.length === 1) throw new Error("not now");
        cleared.resolve();
        await stuck.promise;
      },
      fault: () => asked.push("fault"),
    });
    const { link, names, lease } = up;
    await link.command(["SADD", names.nodes, "dead-1", "dead-2"]);
    // What has to be cleared is not known before all parts of the node are there.
    await turnsUntil(async () => !(await lease.isAlive("dead-1")));
    await lease.renew();
    await link.command(["PING"]);
    expect([asked, await link.command(["EXISTS", names.clearing("dead-1")])]).toEqual([[], 0]);
    lease.watch();
    await cleared.promise;
    expect(asked).toEqual([expect.stringContaining("dead-"), "fault", expect.stringContaining("dead-")]);
    expect(await lease.isAlive("living")).toBe(true);
    expect(await lease.isAlive("dead-1")).toBe(false);
    const before = await link.command(["PTTL", names.lease("living")]);
    await turnsUntil(async () => Number(await link.command(["PTTL", names.lease("living")])) > Number(before));
    stuck.resolve();
    await turnsUntil(async () => (await lease.nodes()).length !== 3);
    await turnsUntil(() => lease.heard.length > 0);
    // Not the one of which not all could be done.
    expect(lease.heard[0]).toBe(`cleared ${asked[2]}`);
    // Its own is gone: Redis has lost leases, and one that is missing means nothing, before this node knows of it.
    await link.command(["DEL", names.lease("living")]);
    expect([await lease.isAlive("dead-1"), await lease.others()]).toEqual([true, undefined]);
    await lease.renew();
    expect([await lease.isAlive("dead-1"), await lease.others()]).toEqual([true, undefined]);
  });

  test("lets the node clear a dead one away only while all that must hear of it is there", async () => {
    {
      using link = await openLink(redis().url);
      const names = new Names("watches");
      // A node that begins may judge at once.
      await link.command(["MSET", names.epoch, "1", names.calm, "1"]);
    }
    await using up = await setUp("watches");
    const { link, names, lease } = up;
    /** As long as clearing takes, and longer. */
    const looked = async () => {
      await lease.renew();
      for (let turn = 0; turn < 10; turn++) await link.command(["PING"]);
    };
    await link.command(["SADD", names.nodes, "dead-1"]);
    expect(await lease.isAlive("dead-1")).toBe(false);
    await looked();
    expect([lease.heard, await link.command(["SISMEMBER", names.nodes, "dead-1"])]).toEqual([[], 1]);
    const watching = lease.watch();
    await turnsUntil(async () => (await lease.nodes()).length === 1);
    await turnsUntil(() => lease.heard.length === 2);
    expect(lease.heard).toEqual(["gone dead-1", "cleared dead-1"]);
    watching[Symbol.dispose]();
    await link.command(["SADD", names.nodes, "dead-2"]);
    await looked();
    expect([lease.heard, await link.command(["SISMEMBER", names.nodes, "dead-2"])]).toEqual([
      ["gone dead-1", "cleared dead-1"],
      1,
    ]);
  });

  test("is given up within half a second by a node that leaves while Redis stands still", async () => {
    await using up = await setUp("still");
    const { link, lease } = up;
    redis().freeze();
    try {
      await lease.close();
      // It has not waited for the link to take Redis for away.
      expect(link.isUp).toBe(true);
    } finally {
      redis().thaw();
    }
  });
});
