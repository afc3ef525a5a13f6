import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { LEAVE, TAKE } from "../../../src/cluster/leadership/leader.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

describeWithRedis("in Redis the lead", (redis) => {
  const HELD = JSON.stringify({ node: "a", about: {} });
  /** A Redis where this node leads, and these have a lease. */
  async function setUp(held: string, alive: readonly string[]) {
    await using made = new AsyncDisposableStack();
    const link = made.use(await openLink(redis().url));
    const names = new Names(randomUUID().slice(0, 8));
    const key = names.of("leader", "it");
    if (held !== "") await link.command(["SET", key, held]);
    for (const node of alive) await link.command(["SET", names.lease(node), ""]);
    const stack = made.move();
    const leader = () => link.command(["GET", key]);
    return { link, names, key, leader, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test.each([
    ["of a node that is gone goes to one with a lease", HELD, HELD, ["b"], 1],
    ["of a node that left goes to one with a lease", "nobody", "nobody", ["b"], 1],
    ["that was never taken goes to one with a lease", "", "", ["b"], 1],
    ["has changed since it was looked at", HELD, "nobody", ["b"], 0],
    ["is not taken without a lease", HELD, HELD, [], 0],
    ["is not taken from a node with a lease", HELD, HELD, ["a", "b"], 0],
  ])("%s", async (_, held, seen, alive, taken) => {
    await using up = await setUp(held, alive);
    const { link, names, key, leader } = up;
    const keys = [key, names.lease("b"), names.lease("a")];
    expect(await link.run(TAKE, keys, [seen, "b's"])).toBe(taken);
    expect(await leader()).toBe(taken === 1 ? "b's" : held);
  });

  test.each([
    ["its own", HELD, "nobody"],
    ["another's", "b's", "b's"],
  ])("a node that leaves gives up only its own lead: %s", async (_, held, left) => {
    await using up = await setUp(held, []);
    const { link, key, leader } = up;
    await link.run(LEAVE, [key], [HELD]);
    expect(await leader()).toBe(left);
  });

  test.each([
    ["taken", TAKE, "nobody", ["nobody", "b's"]],
    ["left", LEAVE, HELD, [HELD]],
  ])("all nodes are woken when the lead is %s", async (_, script, held, args) => {
    await using up = await setUp(held, ["b"]);
    const { link, names, key } = up;
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
