import { expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { createHttpStreamsFace } from "../../../src/faces/http-streams/face.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { FakeExchange } from "./fake-exchange.ts";

const LIMITS = { graceMs: 1_000, retentionMs: 1_000, handledRetentionMs: 1_000, pausedMs: 1_000, rememberedIds: 1 };

test("the rounds of a long poll count as one resume; taking the stream over again counts as another", async () => {
  const outcomes: string[] = [];
  const registry = new StreamRegistry(
    LIMITS,
    new LogBudget(1_000_000),
    () => 0,
    (outcome) => outcomes.push(outcome),
  );
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 100 });
  const stream = new Stream({ id: "s_1", epoch: 1, route: "r", model: undefined, startedAt: 0 }, log, () => 0, noFault);
  const registered = registry.add(stream, "alice", "continue");
  const face = createHttpStreamsFace({ registry, limits: { keepAliveMs: 1_000, betweenPollsMs: 1_000 } });
  const poll = async (after: number) => {
    stream.publish(undefined, "1", false);
    face.handle(new FakeExchange("alice", "GET", "/v1/streams/s_1/events", { wait: "1s", after: String(after) }));
    await Promise.resolve();
  };
  await poll(0);
  await poll(1);
  await poll(2);
  expect(outcomes).toEqual(["resumed"]);
  registry.attach(registered, { detached() {} });
  await poll(3);
  expect(outcomes).toEqual(["resumed", "resumed"]);
  face.close();
});
