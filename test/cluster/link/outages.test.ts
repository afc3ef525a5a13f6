import { expect, test } from "@jest/globals";
import { createClient } from "@redis/client";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { beforeRedis, oddRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis, type TestRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

/** A client that no outage counts for. */
async function admin({ url }: TestRedis) {
  const client = await createClient({ url, RESP: 2 }).connect();
  /** Resolves once Redis has refused as many more commands of a kind. */
  const refused = async (command: string, more: number) => {
    const count = async () =>
      Number(
        new RegExp(`cmdstat_${command}:.*(?:failed|rejected)_calls=([1-9]\\d*)`).exec(
          await client.info("commandstats"),
        )?.[1] ?? 0,
      );
    const before = await count();
    await turnsUntil(async () => (await count()) >= before + more);
  };
  return { ask: (...args: string[]) => client.sendCommand(args), refused, [Symbol.dispose]: () => client.destroy() };
}

describeWithRedis("a link to a Redis that fails", (redis) => {
  test("is refused at once while Redis is away, and works once it is back", async () => {
    using link = await openLink(redis().url);
    await redis().kill();
    await link.state(false);
    await expect(link.command(["PING"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    await redis().resume();
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
    expect(link.states).toEqual([true, false, true]);
  });

  test("stays away from a full Redis that answers pings, until it takes a write again", async () => {
    using server = await admin(redis());
    using link = await openLink(redis().url);
    await server.ask("CONFIG", "SET", "maxmemory", "1");
    await link.state(false);
    await server.refused("set", 2);
    expect(link.states).toEqual([true, false]);
    expect(link.reason).toBe("it is full (maxmemory)");
    expect(await server.ask("PING")).toBe("PONG");
    await expect(link.command(["GET", "a"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    await server.ask("CONFIG", "SET", "maxmemory", "0");
    await link.state(true);
    expect(await link.command(["SET", "a", "b"])).toBe("OK");
  });

  test("learns of a full Redis from a command of its own, too", async () => {
    using server = await admin(redis());
    using link = await openLink(redis().url);
    await server.ask("CONFIG", "SET", "maxmemory", "1");
    const error = await link.command(["SET", "a", "b"]).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "cluster_unavailable", message: expect.stringContaining("it is full") });
    expect(link.isUp).toBe(false);
    await server.ask("CONFIG", "SET", "maxmemory", "0");
  });

  test("stays away from a Redis that became a replica, until it is none", async () => {
    using server = await admin(redis());
    using link = await openLink(redis().url);
    await server.ask("REPLICAOF", "127.0.0.1", "1");
    await link.state(false);
    expect(link.reason).toBe("it is a replica, which takes no writes");
    await server.ask("REPLICAOF", "NO", "ONE");
    await link.state(true);
    expect(link.states).toEqual([true, false, true]);
  });

  test("gives up on a Redis that stands still, keeps nothing waiting for it, and finds it again", async () => {
    using link = await openLink(redis().url);
    redis().freeze();
    try {
      await expect(link.command(["PING"])).rejects.toMatchObject({ code: "cluster_unavailable" });
      expect(link.states).toEqual([true, false]);
      expect(link.reason).toBe("it does not answer");
      await expect(link.command(["PING"])).rejects.toMatchObject({ code: "cluster_unavailable" });
    } finally {
      redis().thaw();
    }
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
  });

  test("is not away from a Redis that answers 200 ms late", async () => {
    await using proxy = await beforeRedis(redis().port, (_, pass) => void setTimeout(pass, 200));
    using link = await openLink(proxy.url);
    for (let turn = 0; turn < 5; turn++) expect(await link.command(["PING"])).toBe("PONG");
    expect(link.latencyMs).toBeGreaterThanOrEqual(199);
    expect(link.states).toEqual([true]);
  });

  test("finds a Redis again that swallowed one connection", async () => {
    let isSwallowing = false;
    await using proxy = await beforeRedis(redis().port, (_, pass) => isSwallowing || pass());
    using link = await openLink(proxy.url);
    isSwallowing = true;
    await link.state(false);
    isSwallowing = false;
    await link.state(true);
    expect(await link.command(["PING"])).toBe("PONG");
  });

  test("does not open to a Redis that accepts and says nothing", async () => {
    await using silent = await oddRedis((socket) => socket.resume());
    await expect(openLink(silent.url)).rejects.toMatchObject({
      code: "cluster_unavailable",
      message: `Redis at 127.0.0.1:${silent.port} cannot be used: it does not answer`,
    });
  });

  test("closes at once while Redis is silent, and rejects what waits", async () => {
    using link = await openLink(redis().url);
    redis().freeze();
    try {
      const waiting = link.command(["PING"]);
      link.close();
      link.close();
      await expect(waiting).rejects.toMatchObject({ code: "cluster_unavailable" });
      expect(link.states).toEqual([true]);
    } finally {
      redis().thaw();
    }
  });
});
