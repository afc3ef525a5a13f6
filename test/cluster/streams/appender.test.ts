import { expect, test } from "@jest/globals";
import { Names } from "../../../src/cluster/link/names.ts";
import type { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import { Appender } from "../../../src/cluster/streams/appender.ts";
import { StreamKeys } from "../../../src/cluster/streams/stream-keys.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";

/** A link whose calls fail that have a key like this. */
function breakableLink() {
  const redis = { broken: undefined as RegExp | undefined, runs: 0, link: undefined as unknown as RedisLink };
  const run = async (_script: unknown, names: readonly string[]) => {
    redis.runs++;
    if (names.some((name) => redis.broken?.test(name))) {
      throw new Error("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    return "ok";
  };
  redis.link = { isUp: true, run } as unknown as RedisLink;
  return redis;
}

/** An appender, and streams that it writes. */
function appenderOver(link: RedisLink) {
  const faults: unknown[] = [];
  const limits = { graceMs: 1e9, retentionMs: 1e6, handledRetentionMs: 1e6, pausedMs: 1e9, rememberedIds: 10 };
  const [budget, now] = [new LogBudget(1e9), () => performance.now()];
  const registry = new StreamRegistry(limits, budget, now);
  const appender = new Appender({
    ...{ node: "a", link, keys: new StreamKeys(new Names("n")), now, wall: now, keptMs: () => 1 },
    ...{ ended() {}, fenced() {}, holed() {}, removed() {} },
    fault: (error) => faults.push(error),
  });
  const open = (id: string) => {
    const info = { id, epoch: 1, route: "chat", model: "gpt", startedAt: 0 };
    const stream = new Stream(info, new StreamLog({ maxBytes: 1_000, maxEntries: 10 }, budget), now, () => {});
    const registered = registry.add(stream, "ann", "finish");
    const tap = appender.add(registered);
    registered.watcher = tap;
    return { tap, publish: () => stream.publish(undefined, "{}", false) };
  };
  return { appender, faults, open };
}

test("a Redis that holds what no node writes is told of once, until it takes what is written", async () => {
  const redis = breakableLink();
  const { appender, faults, open } = appenderOver(redis.link);
  const { publish } = open("s_1");
  redis.broken = /./;
  publish();
  await turnsUntil(() => redis.runs >= 4);
  expect(faults).toEqual([expect.objectContaining({ code: "cluster_unavailable" })]);
  redis.broken = undefined;
  await turnsUntil(() => appender.behind.streams === 0);
  redis.broken = /./;
  publish();
  await turnsUntil(() => faults.length === 2);
  await appender.flush();
});

test("a stream whose key holds what no node writes holds up no other, and is told of once", async () => {
  const redis = breakableLink();
  const { appender, faults, open } = appenderOver(redis.link);
  const [one, bad, two] = ["s_1", "s_bad", "s_2"].map(open);
  await turnsUntil(() => redis.runs === 3);
  redis.broken = /s_bad/;
  for (let round = 0; round < 3; round++) {
    for (const each of [one, bad, two]) each?.publish();
    await turnsUntil(() => one?.tap.behind === 0 && two?.tap.behind === 0);
  }
  expect(bad?.tap.behind).toBe(3);
  // Once with the others, each of them alone, and then never with it again: a second lies between its tries.
  const before = redis.runs;
  await turnsUntil(() => redis.runs >= before + 2);
  expect(bad?.tap.behind).toBe(3);
  expect(faults).toHaveLength(1);
  redis.broken = undefined;
  await turnsUntil(() => bad?.tap.behind === 0);
  await appender.flush();
});
