import { expect, test } from "@jest/globals";
import { Mailbox, type Message } from "../../../src/cluster/link/mailbox.ts";
import { Names } from "../../../src/cluster/link/names.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { beforeRedis } from "../../support/stores/odd-redis.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { openLink } from "../../support/stores/redis-link.ts";

const fault = (error: unknown) => {
  throw error;
};
const counted = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ kind: "say", from: "a", body: { number } }));

/** Collects a box's messages; `all` resolves with as many as were wanted. */
function collect(box: Mailbox, wanted: number) {
  const got: Message[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly Message[]>();
  box.on("say", (message) => {
    got.push(message);
    if (got.length === wanted) resolve(got);
  });
  return { got, all: promise };
}

describeWithRedis("the messages between nodes", (redis) => {
  test("arrive in order, and their sender learns that there is nobody", async () => {
    using link = await openLink(redis().url);
    const names = new Names("order");
    await link.command(["SADD", names.nodes, "b"]);
    const sender = new Mailbox("a", link, names, fault);
    expect(await sender.send("c", "say", {})).toBe(false);
    // All at once, the first of which Redis does not know the script of.
    const sent = Array.from({ length: 300 }, (_, number) => sender.send("b", "say", { number }));
    expect(await Promise.all(sent)).not.toContain(false);
    const box = new Mailbox("b", link, names, fault);
    const { all } = collect(box, 300);
    box.open();
    expect(await all).toEqual(counted(300));
    await box.close();
  });

  test("are neither lost nor taken twice when the connection breaks under the answer that brings them", async () => {
    using link = await openLink(redis().url);
    const names = new Names("breaks");
    await link.command(["SADD", names.nodes, "b"]);
    let breaks = 5;
    await using proxy = await beforeRedis(redis().port, (bytes, pass, { cut }) => {
      if (breaks > 0 && bytes.includes("say")) {
        breaks--;
        cut();
      } else pass();
    });
    using weak = await openLink(proxy.url);
    const box = new Mailbox("b", weak, names, fault);
    const { all, got } = collect(box, 50);
    box.open();
    const sender = new Mailbox("a", link, names, fault);
    for (let number = 0; number < 50; number++) expect(await sender.send("b", "say", { number })).toBe(true);
    expect(await all).toEqual(counted(50));
    expect(breaks).toBe(0);
    // What was taken is removed, so that nothing more can come.
    await turnsUntil(async () => (await link.command(["XLEN", names.mailbox("b")])) === 0);
    expect(got).toHaveLength(50);
    await box.close();
  });

  test("are taken once when the connection breaks under their removal", async () => {
    using link = await openLink(redis().url);
    const names = new Names("removal");
    await link.command(["SADD", names.nodes, "b"]);
    let isArmed = false;
    let hasBroken = false;
    await using proxy = await beforeRedis(redis().port, (bytes, pass, { cut }) => {
      if (isArmed && /^:\d/.test(bytes.toString("latin1")) && !hasBroken) {
        hasBroken = true;
        cut();
      } else pass();
    });
    using weak = await openLink(proxy.url);
    const box = new Mailbox("b", weak, names, fault);
    const { got } = collect(box, 1);
    box.on("end", () => ended.resolve());
    const ended = Promise.withResolvers<void>();
    isArmed = true;
    box.open();
    const sender = new Mailbox("a", link, names, fault);
    await sender.send("b", "say", { number: 0 });
    while (!hasBroken) await sender.send("b", "other", {});
    await sender.send("b", "end", {});
    await ended.promise;
    expect(got).toEqual(counted(1));
    await box.close();
  });

  test("go on after Redis lost all its data", async () => {
    using link = await openLink(redis().url);
    const names = new Names("flushed");
    const box = new Mailbox("b", link, names, fault);
    const { all } = collect(box, 2);
    box.open();
    const sender = new Mailbox("a", link, names, fault);
    await link.command(["SADD", names.nodes, "b"]);
    await sender.send("b", "say", { number: 0 });
    await turnsUntil(async () => (await link.command(["XLEN", names.mailbox("b")])) === 0);
    await link.command(["FLUSHALL"]);
    await link.command(["SADD", names.nodes, "b"]);
    // As from a server whose clock is behind.
    const text = JSON.stringify({ kind: "say", from: "a", body: { number: 1 } });
    await link.command(["XADD", names.mailbox("b"), "1-1", "m", text]);
    expect(await all).toEqual(counted(2));
    await box.close();
  });

  test("are kept from a node that is a hundred thousand behind", async () => {
    using link = await openLink(redis().url);
    const names = new Names("behind");
    await link.command(["SADD", names.nodes, "b"]);
    // In steps, after each of which Redis answers.
    const fill = `for i = 1, 2000 do redis.call('XADD', KEYS[1], '*', 'm', '') end`;
    for (let step = 0; step < 50; step++) await link.command(["EVAL", fill, "1", names.mailbox("b")]);
    expect(await new Mailbox("a", link, names, fault).send("b", "say", {})).toBe(false);
  });

  test("stop at once when the box is closed while Redis stands still", async () => {
    using link = await openLink(redis().url);
    const box = new Mailbox("b", link, new Names("still"), fault);
    box.open();
    redis().freeze();
    try {
      await box.close();
      await box.close();
      expect(link.isUp).toBe(true);
    } finally {
      redis().thaw();
    }
  });
});
