import { expect, test } from "@jest/globals";
import { Tap } from "../../../src/cluster/streams/tap.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";

/** A stream that is hardly kept after its end, and what Redis is told of it. */
function start(isUp = true) {
  const limits = { graceMs: 1, retentionMs: 1, handledRetentionMs: 1, pausedMs: 1, rememberedIds: 1 };
  const [budget, now] = [new LogBudget(1e9), () => 0];
  const registry = new StreamRegistry(limits, budget, now);
  const info = { id: "s_1", epoch: 1, route: "chat", model: "gpt", startedAt: 0 };
  const log = new StreamLog({ maxBytes: 1_000, maxEntries: 10 }, budget);
  const stream = new Stream(info, log, now, (error) => {
    throw error;
  });
  const registered = registry.add(stream, "ann", "finish");
  const removed: Tap[] = [];
  const tap = new Tap(registered, {
    ...{ now, wall: now, isUp: () => isUp, changed() {}, keptMs: () => 1, ended() {}, fenced() {}, holed() {} },
    removed: (gone) => removed.push(gone),
  });
  registered.watcher = tap;
  stream.hold(tap);
  stream.publish(undefined, "{}", false);
  const end = () => {
    const usage = { source: "exact", inputTokens: 1, outputTokens: 2 } as const;
    stream.end({ status: "completed", lastSeq: 1, usage, timing: { totalMs: 1 }, lossy: false });
  };
  return { registry, tap, removed, end };
}

test("a stream that is removed before Redis has its end leaves that, and nothing else of it", () => {
  const { registry, tap, removed, end } = start();
  end();
  registry.sweep(1);
  expect(removed).toEqual([]);
  const append = tap.next();
  if (!append) throw new Error("nothing is written");
  const part = tap.partOf(append);
  expect(part).toMatchObject({ seq: 1, batch: "", keepMs: 1 });
  expect(JSON.parse(part.end)).toMatchObject({ status: "completed", usage: { outputTokens: 2 } });
  tap.answered(append, "ok");
  expect(removed).toEqual([tap]);
  expect(tap.next()).toBeUndefined();
});

test("one whose end Redis has, or that Redis cannot be told of, is let go at once", () => {
  const told = start();
  told.end();
  const append = told.tap.next();
  if (!append) throw new Error("nothing is written");
  told.tap.answered(append, "ok");
  const away = start(false);
  away.end();
  for (const { registry, tap, removed } of [told, away]) {
    registry.sweep(1);
    expect(removed).toEqual([tap]);
  }
});
