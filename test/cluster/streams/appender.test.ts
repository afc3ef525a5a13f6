import { expect, test } from "@jest/globals";
import { Names } from "../../../src/cluster/link/names.ts";
import type { RedisLink } from "../../../src/cluster/link/redis-link.ts";
import { Appender } from "../../../src/cluster/streams/appender.ts";
import { StreamKeys } from "../../../src/cluster/streams/stream-keys.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { turnsUntil } from "../../support/turns-until.ts";

test("a Redis that holds what no node writes is told of once, until it takes what is written", async () => {
  const redis = { isBroken: true, runs: 0 };
  const link = {
    isUp: true,
    async run() {
      redis.runs++;
      if (redis.isBroken) throw new Error("WRONGTYPE Operation against a key holding the wrong kind of value");
      return ["ok"];
    },
  } as unknown as RedisLink;
  const faults: unknown[] = [];
  const limits = { graceMs: 1e9, retentionMs: 1e6, handledRetentionMs: 1e6, pausedMs: 1e9, rememberedIds: 10 };
  const [budget, now] = [new LogBudget(1e9), () => 0];
  const info = { id: "s_1", epoch: 1, route: "chat", model: "gpt", startedAt: 0 };
  const stream = new Stream(info, new StreamLog({ maxBytes: 1_000, maxEntries: 10 }, budget), now, () => {});
  const registered = new StreamRegistry(limits, budget, now).add(stream, "ann", "finish");
  const appender = new Appender({
    ...{ node: "a", link, keys: new StreamKeys(new Names("n")), now, wall: now, keptMs: () => 1 },
    ...{ ended() {}, fenced() {}, holed() {}, removed() {} },
    fault: (error) => faults.push(error),
  });
  registered.watcher = appender.add(registered);
  stream.publish(undefined, "{}", false);
  await turnsUntil(() => redis.runs >= 5);
  expect(faults).toEqual([expect.objectContaining({ code: "cluster_unavailable" })]);
  redis.isBroken = false;
  await turnsUntil(() => appender.behind.streams === 0);
  redis.isBroken = true;
  stream.publish(undefined, "{}", false);
  await turnsUntil(() => faults.length === 2);
  await appender.flush();
});
