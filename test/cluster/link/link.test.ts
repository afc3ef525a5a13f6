import { expect, test } from "@jest/globals";
import { Script } from "../../../src/cluster/link/script.ts";
import { Wakes } from "../../../src/cluster/link/wakes.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { beforeRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

describeWithRedis("a link to Redis", (redis) => {
  test("runs a script that Redis does not know yet, again, and after Redis forgot it", async () => {
    using link = await openLink(redis().url);
    const echo = new Script("return {KEYS[1], ARGV[1], 7}");
    expect(await link.run(echo, ["key"], ["value"])).toEqual(["key", "value", 7]);
    expect(await link.run(echo, ["key"], ["again"])).toEqual(["key", "again", 7]);
    await link.command(["SCRIPT", "FLUSH"]);
    expect(await link.run(echo, ["key"], [Buffer.from("bytes")])).toEqual(["key", "bytes", 7]);
  });

  test("keeps the order of what is asked before Redis knows the script", async () => {
    using direct = await openLink(redis().url);
    let isHolding = false;
    const held: string[] = [];
    let release = () => {};
    await using proxy = await beforeRedis(redis().port, (bytes, pass, { answer }) => {
      if (!isHolding) return pass();
      // Of the first answers one comes through, and the others while more is asked.
      const [first = "", ...rest] = bytes.toString().split(/(?<=\r\n)/);
      if (held.length === 0) answer(first);
      held.push((held.length === 0 ? "" : first) + rest.join(""));
      release = () => {
        isHolding = false;
        answer(held.join(""));
      };
    });
    using link = await openLink(proxy.url);
    await direct.command(["SCRIPT", "FLUSH"]);
    const push = new Script("return redis.call('RPUSH', KEYS[1], ARGV[1])");
    const length = async (least: number) => {
      await turnsUntil(async () => Number(await direct.command(["LLEN", "order"])) >= least);
    };
    isHolding = true;
    const pushed = Array.from({ length: 9 }, (_, number) => link.run(push, ["order"], [String(number)]));
    await length(1);
    pushed.push(link.run(push, ["order"], ["9"]));
    await length(2);
    release();
    await Promise.all(pushed);
    const order = Array.from({ length: 10 }, (_, number) => String(number));
    expect(await direct.command(["LRANGE", "order", "0", "-1"])).toEqual(order);
  });

  test("answers with lists and texts, whatever the command, and with what a script raised", async () => {
    using link = await openLink(redis().url);
    await link.command(["HSET", "hash", "a", "1"]);
    expect(await link.command(["HGETALL", "hash"])).toEqual(["a", "1"]);
    await expect(link.command(["INCR", "hash"])).rejects.toThrow("WRONGTYPE");
    expect(link.isUp).toBe(true);
  });

  test("wakes those who listen to a channel until they leave it, also after its connection was made again", async () => {
    let cutAll = () => {};
    await using proxy = await beforeRedis(redis().port, (_bytes, pass, { cut }) => {
      cutAll = cut;
      pass();
    });
    using link = await openLink(redis().url);
    using weak = await openLink(proxy.url);
    const wakes = new Wakes(weak);
    let woken = Promise.withResolvers<string>();
    // Before there is a connection.
    const listening = wakes.on("channel", (message) => {
      if (message !== undefined) woken.resolve(message);
    });
    wakes.open();
    await turnsUntil(async () => (await link.command(["PUBLISH", "channel", "7"])) !== 0);
    expect(await woken.promise).toBe("7");
    woken = Promise.withResolvers();
    cutAll();
    await turnsUntil(async () => String(await link.command(["PUBSUB", "NUMSUB", "channel"])) === "channel,0");
    await turnsUntil(async () => (await link.command(["PUBLISH", "channel", "8"])) !== 0);
    expect(await woken.promise).toBe("8");
    const again = wakes.on("channel", () => {});
    listening[Symbol.dispose]();
    listening[Symbol.dispose]();
    expect(await link.command(["PUBLISH", "channel", "9"])).toBe(1);
    again[Symbol.dispose]();
    await turnsUntil(async () => (await link.command(["PUBLISH", "channel", "9"])) === 0);
    wakes.close();
    wakes.close();
  });

  test("wakes whoever listens to a channel again before Redis knows that it was left", async () => {
    using link = await openLink(redis().url);
    const wakes = new Wakes(link);
    wakes.open();
    const listen = () => {
      const [begun, woken] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
      const listening = wakes.on("again", (message) =>
        message === undefined ? begun.resolve() : woken.resolve(message),
      );
      return { leave: () => listening[Symbol.dispose](), begun: begun.promise, woken: woken.promise };
    };
    const first = listen();
    await first.begun;
    first.leave();
    const second = listen();
    await second.begun;
    // Redis has read by now that the first one left.
    for (let turn = 0; turn < 10; turn++) await link.command(["PING"]);
    expect(await link.command(["PUBLISH", "again", "7"])).toBe(1);
    expect(await second.woken).toBe("7");
    wakes.close();
  });
});
