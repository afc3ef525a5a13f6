import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { LEAVE, TAKE } from "../../../src/cluster/leadership/leader.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { describeWithRedis } from "../../support/redis.ts";
import { openLink } from "../../support/redis-link.ts";

describeWithRedis("in Redis the lead", (redis) => {
  const HELD = JSON.stringify({ node: "a", about: {} });
  /** Who leads, and which nodes have a lease. */
  async function standing(link: Awaited<ReturnType<typeof openLink>>, held: string, alive: readonly string[]) {
    const names = new Names(randomUUID().slice(0, 8));
    const key = names.of("leader", "it");
    if (held !== "") await link.command(["SET", key, held]);
    for (const node of alive) await link.command(["SET", names.lease(node), ""]);
    return { names, key, now: () => link.command(["GET", key]) };
  }

  test.each([
    ["of a node that is gone goes to one with a lease", HELD, HELD, ["b"], 1],
    ["of a node that left goes to one with a lease", "nobody", "nobody", ["b"], 1],
    ["that was never taken goes to one with a lease", "", "", ["b"], 1],
    ["has changed since it was looked at", HELD, "nobody", ["b"], 0],
    ["is not taken without a lease", HELD, HELD, [], 0],
    ["is not taken from a node with a lease", HELD, HELD, ["a", "b"], 0],
  ])("%s", async (_, held, seen, alive, taken) => {
    await using link = await openLink(redis().url);
    const { names, key, now } = await standing(link, held, alive);
    const keys = [key, names.lease("b"), names.lease("a")];
    expect(await link.run(TAKE, keys, [seen, "b's"])).toBe(taken);
    expect(await now()).toBe(taken === 1 ? "b's" : held);
  });

  test.each([
    ["its own", HELD, "nobody"],
    ["another's", "b's", "b's"],
  ])("a node that leaves gives up only its own lead: %s", async (_, held, left) => {
    await using link = await openLink(redis().url);
    const { key, now } = await standing(link, held, []);
    await link.run(LEAVE, [key], [HELD]);
    expect(await now()).toBe(left);
  });

  test.each([
    ["taken", TAKE, "nobody", ["nobody", "b's"]],
    ["left", LEAVE, HELD, [HELD]],
  ])("all nodes are woken when the lead is %s", async (_, script, held, args) => {
    await using link = await openLink(redis().url);
    const { names, key } = await standing(link, held, ["b"]);
    const wakes = new Wakes(link);
    wakes.open();
    const heard = Promise.withResolvers<string>();
    const listens = Promise.withResolvers<void>();
    wakes.on(key, (message) => (message === undefined ? listens.resolve() : heard.resolve(message)));
    await listens.promise;
    await link.run(script, [key, names.lease("b"), names.lease("")], args);
    expect(await heard.promise).toBe("");
    wakes.close();
  });
});
