import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { type Entry, StreamLog } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";
import { noFault } from "../../support/relay/no-fault.ts";

/** A stream whose log holds `maxEntries` entries, and what its producer was asked. */
function newStream(maxEntries = 100) {
  const clock = { now: 1_000 };
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries });
  const info = { id: "s_1", epoch: 1, route: "test", model: undefined, startedAt: 1_000 };
  const stream = new Stream(info, log, () => clock.now, noFault);
  const asked: string[] = [];
  stream.producedBy({
    cut() {},
    pause: () => void asked.push("pause"),
    resume: () => void asked.push("resume"),
    cancel: (reason) => void asked.push(`cancel ${reason.code}`),
  });
  const write = (...texts: readonly string[]) => {
    for (const text of texts) stream.publish(undefined, text, true);
  };
  return { stream, log, asked, write, clock };
}

/** A sink that takes as many entries as it has credit for. */
function newSink(credit = Number.POSITIVE_INFINITY) {
  const sink = {
    credit,
    data: [] as string[],
    seqs: [] as number[],
    ends: [] as Terminal[],
    onEntry: (_entry: Entry) => {},
    push(entry: Entry): boolean {
      if (sink.credit <= 0) return false;
      sink.credit--;
      sink.data.push(entry.data);
      sink.seqs.push(entry.seq);
      sink.onEntry(entry);
      return true;
    },
    end: (terminal: Terminal) => void sink.ends.push(terminal),
    failures: 0,
    failed: () => void sink.failures++,
  };
  return sink;
}

const terminal = (lastSeq: number): Terminal => ({
  status: "completed",
  lastSeq,
  usage: { source: "unknown" },
  timing: { totalMs: 1 },
  lossy: false,
});

describe("a reader", () => {
  test("that keeps up gets every entry as it is logged", () => {
    const { stream, write } = newStream();
    const sink = newSink();
    stream.attach(sink);
    write("a");
    expect(sink.data).toEqual(["a"]);
    write("b", "c");
    expect(sink.seqs).toEqual([1, 2, 3]);
  });

  test("that comes late gets the log, then live entries", () => {
    const { stream, write } = newStream();
    write("a", "b");
    const sink = newSink();
    stream.attach(sink);
    expect(sink.data).toEqual(["a", "b"]);
    write("c");
    expect(sink.seqs).toEqual([1, 2, 3]);
  });

  test("starts after the entry it names", () => {
    const { stream, write } = newStream();
    write("a", "b", "c");
    const sink = newSink();
    const reader = stream.attach(sink, 2);
    expect(sink.data).toEqual(["c"]);
    expect(reader.cursor).toBe(3);
  });

  test("that refuses an entry gets nothing until woken, then everything in order", () => {
    const { stream, write } = newStream();
    const sink = newSink(2);
    const reader = stream.attach(sink);
    write("a", "b", "c", "d");
    expect(sink.data).toEqual(["a", "b"]);
    sink.credit = 1;
    reader.wake();
    expect(sink.data).toEqual(["a", "b", "c"]);
    sink.credit = 10;
    reader.wake();
    write("e");
    expect(sink.seqs).toEqual([1, 2, 3, 4, 5]);
  });

  test("does not delay another", () => {
    const { stream, write } = newStream();
    const slow = newSink(1);
    const fast = newSink();
    stream.attach(slow);
    stream.attach(fast);
    write("a", "b", "c");
    expect([slow.data, fast.data]).toEqual([["a"], ["a", "b", "c"]]);
  });

  test("gets nothing before it is woken, but its entries are kept", () => {
    const { stream, log, write, asked } = newStream(3);
    write("a", "b");
    const sink = newSink();
    const reader = stream.addReader(sink, 0);
    stream.attach(newSink()).detach();
    write("c", "d");
    expect([sink.data, log.tail, asked]).toEqual([[], 0, ["pause"]]);
    reader.wake();
    expect(sink.data).toEqual(["a", "b", "c", "d"]);
    expect(asked).toEqual(["pause", "resume"]);
  });

  test("gets nothing after it is detached, not even the end", () => {
    const { stream, write } = newStream();
    const sink = newSink();
    const reader = stream.attach(sink);
    write("a");
    reader.detach();
    write("b");
    stream.end(terminal(2));
    reader.wake();
    expect([sink.data, sink.ends]).toEqual([["a"], []]);
  });
});

describe("a full log", () => {
  test("drops its oldest entries and continues if no reader is behind", () => {
    const { stream, log, write, asked } = newStream(3);
    stream.attach(newSink());
    write("a", "b", "c", "d");
    expect(asked).toEqual([]);
    expect(log.at(1)).toBeUndefined();
    expect(log.at(4)?.data).toBe("d");
  });

  test("without readers pauses the upstream and keeps everything", () => {
    const { log, write, asked } = newStream(3);
    write("a", "b", "c");
    expect(asked).toEqual(["pause"]);
    expect([log.tail, log.head]).toEqual([0, 3]);
  });

  test("without readers keeps only the newest entries if it need not keep all", () => {
    const { stream, log, write, asked } = newStream(3);
    write("a", "b", "c");
    stream.keepAll(false);
    expect(asked).toEqual(["pause", "resume"]);
    write("d");
    expect([log.tail, log.head]).toEqual([2, 4]);
    stream.keepAll(true);
    write("e");
    expect([log.tail, log.head, asked]).toEqual([2, 5, ["pause", "resume", "pause"]]);
  });

  test("keeps what the last reader to leave had not handled, even if an earlier one had", () => {
    const { stream, log, write } = newStream(4);
    write("a", "b", "c");
    stream.attach(newSink(3)).detach();
    stream.attach(newSink(1)).detach();
    write("d", "e");
    expect([log.tail, log.head]).toEqual([1, 5]);
    expect(log.at(2)?.data).toBe("b");
  });

  test("pauses the producer once while a reader is behind, and loses nothing", () => {
    const { stream, write, asked } = newStream(3);
    const sink = newSink(1);
    const reader = stream.attach(sink);
    // What was read from the socket before the pause still comes.
    write("a", "b", "c", "d", "e", "f");
    expect(asked).toEqual(["pause"]);
    sink.credit = 10;
    reader.wake();
    expect(sink.data).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(asked).toEqual(["pause", "resume"]);
  });

  test("waits for its slowest reader", () => {
    const { stream, write, asked } = newStream(3);
    const slow = newSink(1);
    const slower = newSink(1);
    const first = stream.attach(slow);
    const second = stream.attach(slower);
    write("a", "b", "c", "d");
    expect(asked).toEqual(["pause"]);
    slow.credit = 10;
    first.wake();
    expect(asked).toEqual(["pause"]);
    slower.credit = 10;
    second.wake();
    expect(asked).toEqual(["pause", "resume"]);
    expect(slower.seqs).toEqual([1, 2, 3, 4]);
  });

  test("continues when the reader that was behind is gone", () => {
    const { stream, write, asked } = newStream(3);
    const reader = stream.attach(newSink(1));
    stream.attach(newSink());
    write("a", "b", "c", "d");
    expect(asked).toEqual(["pause"]);
    reader.detach();
    expect(asked).toEqual(["pause", "resume"]);
  });
});

describe("the time a stream is paused", () => {
  test("counts from the pause, and restarts whenever a reader makes progress", () => {
    const { stream, write, clock } = newStream(3);
    const sink = newSink(1);
    const reader = stream.attach(sink);
    expect(stream.pausedMs).toBe(0);
    write("a", "b", "c", "d", "e", "f");
    clock.now += 20_000;
    expect(stream.pausedMs).toBe(20_000);
    sink.credit = 1;
    reader.wake();
    expect(stream.pausedMs).toBe(0);
    clock.now += 5_000;
    reader.wake();
    expect(stream.pausedMs).toBe(5_000);
    sink.credit = 10;
    reader.wake();
    clock.now += 1_000;
    expect(stream.pausedMs).toBe(0);
    expect(stream.backpressure).toEqual({ pauses: 1, ms: 25_000 });
  });

  test("ends with the stream", () => {
    const { stream, write, clock } = newStream(2);
    write("a", "b");
    clock.now += 1_000;
    stream.end(terminal(2));
    clock.now += 1_000;
    expect([stream.pausedMs, stream.backpressure.ms]).toEqual([0, 1_000]);
  });
});

describe("the terminal", () => {
  test("reaches every reader once, last", () => {
    const { stream, write } = newStream();
    const ahead = newSink();
    const behind = newSink(1);
    stream.attach(ahead);
    const reader = stream.attach(behind);
    write("a", "b");
    stream.end(terminal(2));
    expect([ahead.ends.length, behind.ends.length]).toEqual([1, 0]);
    behind.credit = 10;
    reader.wake();
    reader.wake();
    expect(behind.data).toEqual(["a", "b"]);
    expect([ahead.ends.length, behind.ends.length]).toEqual([1, 1]);
  });

  test("reaches every reader even if one ends the stream while handling an entry", () => {
    const { stream, write } = newStream();
    const first = newSink();
    const second = newSink();
    stream.attach(first);
    stream.attach(second);
    first.onEntry = ({ seq }) => stream.end(terminal(seq));
    write("a");
    expect([first.data, first.ends.length]).toEqual([["a"], 1]);
    expect([second.data, second.ends.length]).toEqual([["a"], 1]);
  });

  test("is the first one set", () => {
    const { stream } = newStream();
    const sink = newSink();
    stream.attach(sink);
    stream.end(terminal(0));
    stream.end({ ...terminal(0), status: "failed" });
    expect(sink.ends).toMatchObject([{ status: "completed" }]);
    expect(stream.terminal).toMatchObject({ status: "completed" });
  });

  test("reaches a reader that comes after the end of a retained stream, after the log", () => {
    const { stream, write } = newStream();
    stream.retain(() => {});
    write("a");
    stream.end(terminal(1));
    const sink = newSink();
    stream.attach(sink);
    expect([sink.data, sink.ends.length]).toEqual([["a"], 1]);
  });

  test("reaches a reader that has everything already", () => {
    const { stream, write } = newStream();
    write("a");
    stream.end(terminal(1));
    const sink = newSink();
    stream.attach(sink, 1);
    expect([sink.data, sink.ends.length]).toEqual([[], 1]);
  });
});

test("a cancel reaches the producer until the stream has ended", () => {
  const { stream, asked } = newStream();
  stream.cancel(new GatewayError("cancelled"));
  stream.end(terminal(0));
  stream.cancel(new GatewayError("cancelled"));
  expect(asked).toEqual(["cancel cancelled"]);
});

test("only the first content sent is timed, from the request on", () => {
  const { stream, clock } = newStream();
  expect(stream.firstSentMs).toBeUndefined();
  clock.now = 1_025;
  stream.contentSent();
  clock.now = 1_100;
  stream.contentSent();
  expect(stream.firstSentMs).toBe(25);
});
