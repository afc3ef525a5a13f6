import { describe, expect, test } from "@jest/globals";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";
import { Window } from "../../../src/core/stream/window.ts";
import { noFault } from "../../support/relay/no-fault.ts";

const terminal = (lastSeq: number): Terminal => ({
  status: "completed",
  lastSeq,
  usage: { source: "unknown" },
  timing: { totalMs: 1 },
  lossy: false,
});

/** A stream, and the budget its log counts in. */
function newStream() {
  const budget = new LogBudget(1_000_000);
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 1_000 }, budget);
  const info = { id: "s_1", epoch: 1, route: "test", model: undefined, startedAt: 0 };
  const stream = new Stream(info, log, () => 0, noFault);
  const write = () => stream.publish(undefined, "text", true);
  return { stream, budget, write };
}

/** A sink that takes entries while it is open, and never detaches on its own. */
const newSink = (takes = true) => ({
  takes,
  seqs: [] as number[],
  ended: false,
  push({ seq }: { readonly seq: number }) {
    if (this.takes) this.seqs.push(seq);
    return this.takes;
  },
  end() {
    this.ended = true;
  },
  failed() {},
});

describe("a stream's log is freed", () => {
  test("at the end, if its readers have everything", () => {
    const { stream, budget, write } = newStream();
    const sinks = [newSink(), newSink()];
    for (const sink of sinks) stream.attach(sink);
    write();
    expect(budget.usedBytes).toBeGreaterThan(0);
    stream.end(terminal(1));
    expect(sinks.map(({ seqs, ended }) => [seqs, ended])).toEqual([
      [[1], true],
      [[1], true],
    ]);
    expect(budget.usedBytes).toBe(0);
  });

  test("after the end, once the last reader has everything", () => {
    const { stream, budget, write } = newStream();
    const slow = newSink(false);
    stream.attach(newSink());
    const reader = stream.attach(slow);
    write();
    write();
    stream.end(terminal(2));
    expect(budget.usedBytes).toBeGreaterThan(0);
    slow.takes = true;
    reader.wake();
    expect([slow.seqs, slow.ended]).toEqual([[1, 2], true]);
    expect(budget.usedBytes).toBe(0);
  });

  test("after the end, when the last reader leaves, whatever it had", () => {
    const { stream, budget, write } = newStream();
    const reader = stream.attach(newSink(false));
    write();
    stream.end(terminal(1));
    reader.detach();
    expect(budget.usedBytes).toBe(0);
  });

  test("at the end, if it was never read", () => {
    const { stream, budget, write } = newStream();
    write();
    stream.end(terminal(1));
    expect(budget.usedBytes).toBe(0);
  });

  test("not at the end while it is retained, but when given up", () => {
    const { stream, budget, write } = newStream();
    let ended = 0;
    stream.retain(() => ended++);
    stream.attach(newSink());
    write();
    stream.end(terminal(1));
    expect(ended).toBe(1);
    expect(budget.usedBytes).toBeGreaterThan(0);
    const late = newSink();
    stream.attach(late);
    expect([late.seqs, late.ended]).toEqual([[1], true]);
    stream.giveUp();
    expect(budget.usedBytes).toBe(0);
  });

  test("not while it runs without readers", () => {
    const { stream, budget, write } = newStream();
    write();
    const window = new Window({ maxBytes: 1_000, maxEntries: 10 });
    stream.attach(newSink(), 0, window).detach();
    expect(budget.usedBytes).toBeGreaterThan(0);
  });

  test("when retained after its end, with the end reported at once", () => {
    const { stream } = newStream();
    stream.end(terminal(0));
    let ended = 0;
    stream.retain(() => ended++);
    expect(ended).toBe(1);
  });
});
