import { expect, test } from "@jest/globals";
import { Mailbox, type Message } from "../../../src/cluster/link/mailbox.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { LEASE_MS, NodeLease } from "../../../src/cluster/link/node-lease.ts";
import { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import { Script } from "../../../src/cluster/link/script.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { describeWithRedis, type TestRedis } from "../../support/redis.ts";

const fault = (error: unknown) => {
  throw error;
};

/** A link that tells each of its states to whoever waits for it. */
async function openLink(redis: TestRedis) {
  const states: boolean[] = [];
  let changed = Promise.withResolvers<void>();
  const link = new RedisLink(
    { url: redis.url, caFile: undefined },
    {
      state(isUp) {
        states.push(isUp);
        changed.resolve();
        changed = Promise.withResolvers();
      },
    },
  );
  await link.open();
  const state = async (isUp: boolean) => {
    while (link.isUp !== isUp) await changed.promise;
  };
  return Object.assign(link, { states, state, [Symbol.dispose]: () => link.close() });
}

describeWithRedis("a link to Redis", (redis) => {
  test("runs a script that Redis does not know yet, and again", async () => {
    using link = await openLink(redis());
    const echo = new Script("return {KEYS[1], ARGV[1], 7}");
    expect(await link.run(echo, ["key"], ["value"])).toEqual(["key", "value", 7]);
    expect(await link.run(echo, ["key"], ["again"])).toEqual(["key", "again", 7]);
  });

  test("is refused at once while Redis is away, and works once it is back", async () => {
    using link = await openLink(redis());
    await redis().kill();
    await link.state(false);
    await expect(link.command(["PING"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    await redis().resume();
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
    expect(link.states).toEqual([true, false, true]);
  });

  test("takes a full Redis for away", async () => {
    using link = await openLink(redis());
    await link.command(["CONFIG", "SET", "maxmemory", "1"]);
    await expect(link.command(["SET", "a", "b"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    expect(link.isUp).toBe(false);
    await redis().kill();
    await redis().resume();
    await link.state(true);
  });
});

describeWithRedis("the nodes of a cluster", (redis) => {
  test("hear each other's messages in order, and that there is nobody", async () => {
    using link = await openLink(redis());
    const names = new Names("mail");
    const lease = new NodeLease("b", link, names, "", {
      dataLost: () => {},
      lapsed: () => {},
      gone: async () => {},
      fault,
    });
    await lease.open();
    const box = new Mailbox("b", link, names, fault);
    const got: Message[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    box.on("say", (message) => {
      got.push(message);
      if (got.length === 100) resolve();
    });
    const sender = new Mailbox("a", link, names, fault);
    expect(await sender.send("c", "say", {})).toBe(false);
    for (let number = 0; number < 100; number++) expect(await sender.send("b", "say", { number })).toBe(true);
    box.open();
    await promise;
    expect(got).toEqual(Array.from({ length: 100 }, (_, number) => ({ kind: "say", from: "a", body: { number } })));
    await box.close();
    await lease.close();
  });

  test(
    "clear away a node that is gone, and only that",
    async () => {
      using link = await openLink(redis());
      const names = new Names("gone");
      const { promise, resolve } = Promise.withResolvers<string>();
      const lease = (node: string) =>
        new NodeLease(node, link, names, "", {
          dataLost: () => {},
          lapsed: () => {},
          async gone(dead) {
            resolve(dead);
          },
          fault,
        });
      const living = lease("living");
      await living.open();
      // Its timer is stopped by being dropped: the lease is only taken.
      await link.command(["SADD", names.nodes, "dead"]);
      await link.command(["SET", names.lease("dead"), "", "PX", "100"]);
      expect(await promise).toBe("dead");
      expect(await living.isAlive("living")).toBe(true);
      await living.close();
    },
    2 * LEASE_MS,
  );

  test("are woken by a channel until they leave it", async () => {
    using link = await openLink(redis());
    const wakes = new Wakes(link);
    wakes.open();
    const { promise, resolve } = Promise.withResolvers<string>();
    using _ = wakes.on("channel", (message) => {
      if (message !== undefined) resolve(message);
    });
    while ((await link.command(["PUBLISH", "channel", "7"])) === 0);
    expect(await promise).toBe("7");
    wakes.close();
  });
});
