import { describe, expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamRegistry } from "../../../src/core/stream/registry.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { Sweeper } from "../../../src/core/stream/sweeper.ts";
import { Window } from "../../../src/core/stream/window.ts";
import { noFault } from "../../support/relay/no-fault.ts";

const LIMITS = {
  graceMs: 20_000,
  retentionMs: 60_000,
  handledRetentionMs: 10_000,
  pausedMs: 30_000,
  rememberedIds: 10,
};

/** A stream in a registry that is swept each second, and what its producer was cancelled for. */
function setUp() {
  const clock = { now: 0 };
  const registry = new StreamRegistry(LIMITS, new LogBudget(1_000_000), () => clock.now);
  const sweeper = new Sweeper([registry], 1_000, 0);
  const log = new StreamLog({ maxBytes: 1_000, maxEntries: 2 });
  const info = { id: "s_1", epoch: 1, route: "test", model: undefined, startedAt: 0 };
  const stream = new Stream(info, log, () => clock.now, noFault);
  const cancels: string[] = [];
  const end = () => {
    const rest = { usage: { source: "unknown" as const }, timing: { totalMs: 0 }, lossy: false };
    stream.end({ status: "cancelled", lastSeq: log.head, ...rest });
  };
  stream.producedBy({
    cut() {},
    pause() {},
    resume() {},
    cancel({ code }) {
      cancels.push(code);
      end();
    },
  });
  const registered = registry.add(stream, "alice", "continue");
  const pass = (ms: number) => {
    for (const until = clock.now + ms; clock.now < until; ) {
      clock.now = Math.min(until, clock.now + 1_000);
      sweeper.sweep(clock.now);
    }
  };
  const standStill = (ms: number) => {
    clock.now += ms;
    sweeper.sweep(clock.now);
  };
  /** A client that takes everything and acknowledges nothing: the log fills, and the upstream waits. */
  const stall = () => {
    const sink = { push: () => true, end() {}, failed() {} };
    const reader = stream.attach(sink, 0, new Window({ maxBytes: 10_000, maxEntries: 10 }));
    registry.attach(registered, { detached: () => reader.detach() });
    for (let n = 0; n < 2; n++) stream.publish(undefined, "x", true);
  };
  return { registry, end, cancels, pass, standStill, stall };
}

describe("a standstill of the process", () => {
  test("does not count as a client's absence: its stream keeps the rest of its grace", () => {
    const { cancels, pass, standStill } = setUp();
    pass(15_000);
    standStill(600_000);
    expect(cancels).toEqual([]);
    pass(3_000);
    expect(cancels).toEqual([]);
    pass(3_000);
    expect(cancels).toEqual(["client_gone"]);
  });

  test("does not count as a reader's slowness, whose acknowledgements wait in the kernel", () => {
    const { cancels, pass, standStill, stall } = setUp();
    stall();
    pass(20_000);
    standStill(600_000);
    pass(8_000);
    expect(cancels).toEqual([]);
    pass(4_000);
    expect(cancels).toEqual(["slow_consumer"]);
  });

  test("does not shorten the time a log is kept", () => {
    const { registry, end, pass, standStill } = setUp();
    end();
    pass(50_000);
    standStill(600_000);
    expect(registry.owned("s_1", "alice")).toBeDefined();
    pass(12_000);
    expect(registry.owned("s_1", "alice")).toBeUndefined();
  });

  test("is a sweep late by more than an interval; a shorter delay counts as time", () => {
    const { cancels, standStill } = setUp();
    for (let sweeps = 0; sweeps < 11; sweeps++) standStill(1_900);
    expect(cancels).toEqual(["client_gone"]);
  });
});
