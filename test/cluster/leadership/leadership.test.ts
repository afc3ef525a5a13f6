import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { LEASE_MS, startCluster } from "./lead-cluster.ts";

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

  test("is one node's, however many ask for it at once", async () => {
    await using cluster = startCluster(redis());
    const all = [await cluster.join("a"), await cluster.join("b"), await cluster.join("c")];
    await Promise.all(all.map(({ lead }) => lead.open()));
    await Promise.all(all.map(({ lead }) => lead.look()));
    expect(all.filter(({ lead }) => lead.isHeld)).toHaveLength(1);
    const [leader] = all.filter(({ lead }) => lead.isHere);
    for (const { lead } of all) expect(lead.leader).toEqual(leader?.lead.leader);
  });

  test("passes to a node that waits for it as soon as the leader leaves", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a");
    const b = await cluster.open("b");
    await a.leave();
    await b.lead.look();
    expect(b.heard).toEqual(["a leads", "b leads"]);
    expect(b.lead.leader).toEqual({ node: "b", about: { is: "b" } });
  });

  test("passes to another when the leader's lease is gone, and not before that node may judge on it", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a");
    const b = await cluster.open("b");
    b.letJudge(false);
    await a.loseLease();
    await b.lead.look();
    expect(b.lead.isHere).toBe(false);
    b.letJudge(true);
    await b.lead.look();
    expect(b.lead.isHeld).toBe(true);
    await a.lead.look();
    expect(a.heard).toEqual(["a leads", "b leads"]);
    expect(a.lead.isHeld).toBe(false);
  });

  test("stays taken by a node that is woken while it begins to look", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a", { isDeaf: true });
    const b = await cluster.join("b");
    await a.loseLease();
    await Promise.all([b.lead.open(), b.lead.look()]);
    expect([b.heard, b.lead.isHeld]).toEqual([["b leads"], true]);
  });

  test("is given up by a node that leaves while it takes it", async () => {
    await using cluster = startCluster(redis());
    let leave = async () => {};
    let left: Promise<void> | undefined;
    const isWilling = () => {
      left = leave();
      return true;
    };
    const a = await cluster.join("a", { isWilling });
    const b = await cluster.join("b");
    leave = () => a.leave();
    await a.lead.open();
    await left;
    await b.lead.open();
    expect([a.heard, b.heard]).toEqual([[], ["b leads"]]);
  });

  test("is not held from the end of the leader's lease, and again when nobody has taken it", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a");
    const real = performance.now.bind(performance);
    const now = jest.spyOn(performance, "now");
    now.mockImplementation(() => real() + LEASE_MS - 10_000);
    expect(a.lead.isHeld).toBe(true);
    now.mockImplementation(() => real() + LEASE_MS);
    expect(a.lead.isHeld).toBe(false);
    expect(a.lead.isHere).toBe(true);
    await a.lead.look();
    expect(a.lead.isHeld).toBe(true);
    expect(a.heard).toEqual(["a leads", "regained"]);
    now.mockRestore();
  });

  test("stays with the leader when Redis loses its data, whoever looks first", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a");
    const b = await cluster.open("b");
    // Renewing its lease, it learns that it may not judge yet.
    b.letJudge(false);
    await a.link.command(["FLUSHALL"]);
    await b.lead.look();
    await b.lead.look();
    expect(b.lead.leader?.node).toBe("a");
    await a.lead.look();
    await b.lead.look();
    expect([a.heard, b.heard]).toEqual([["a leads"], ["a leads"]]);
    expect(a.lead.isHeld).toBe(true);
  });

  test("is not taken by a node that is about to stop", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a", { isWilling: () => false });
    expect(a.lead.leader).toBeUndefined();
    const b = await cluster.open("b");
    await a.lead.look();
    expect([a.heard, b.lead.isHeld]).toEqual([["b leads"], true]);
  });

  test("that a node gives up is not another's that has it meanwhile", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a", { isDeaf: true });
    const b = await cluster.open("b");
    await a.loseLease();
    await b.lead.look();
    expect(b.lead.isHeld).toBe(true);
    // It has not heard of that yet.
    expect(a.lead.isHere).toBe(true);
    await a.leave();
    const c = await cluster.open("c");
    expect(c.lead.leader?.node).toBe("b");
  });

  test("that another has had meanwhile is reported as that node's, and then as won back", async () => {
    await using cluster = startCluster(redis());
    const a = await cluster.open("a", { isDeaf: true });
    const { lead } = a;
    await a.loseLease();
    const b = await cluster.open("b");
    expect(b.lead.isHeld).toBe(true);
    // It dies before the first has looked.
    await b.loseLease();
    await a.giveLease();
    await lead.look();
    expect(a.heard).toEqual(["a leads", "b leads", "a leads"]);
    await a.loseLease();
    const c = await cluster.open("c");
    await c.leave();
    await a.giveLease();
    await lead.look();
    expect(a.heard.slice(3)).toEqual(["nobody leads", "a leads"]);
    expect(lead.isHeld).toBe(true);
  });
});
