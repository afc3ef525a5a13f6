import { describe, expect, test } from "@jest/globals";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import { Window, type WindowLimits } from "../../../src/core/stream/window.ts";
import { noFault } from "../../support/relay/no-fault.ts";

/** A stream with one acknowledging reader behind `after`, and what that reader was given. */
function newReader(limits: WindowLimits, { after = 0, maxEntries = 100 } = {}) {
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries });
  const info = { id: "s_1", epoch: 1, route: "test", model: undefined, startedAt: 0 };
  const stream = new Stream(info, log, () => 0, noFault);
  const asked: string[] = [];
  stream.producedBy({
    cut() {},
    pause: () => void asked.push("pause"),
    resume: () => void asked.push("resume"),
    cancel: () => void asked.push("cancel"),
  });
  const write = (count: number) => {
    for (let n = 0; n < count; n++) stream.publish(undefined, "x", true);
  };
  const seqs: (number | "end")[] = [];
  write(after);
  const reader = stream.attach(
    { push: ({ seq }) => seqs.push(seq) > 0, end: () => void seqs.push("end"), failed() {} },
    after,
    new Window(limits, after),
  );
  const end = () =>
    stream.end({
      status: "completed",
      lastSeq: log.head,
      usage: { source: "unknown" },
      timing: { totalMs: 1 },
      lossy: false,
    });
  return { stream, reader, log, seqs, asked, write, end };
}

const entries = (maxEntries: number): WindowLimits => ({ maxBytes: 1_000_000, maxEntries });

describe("a reader with a window", () => {
  test("sends no more than its client has credit for, and the rest as it acknowledges", () => {
    const { reader, seqs, write } = newReader(entries(2));
    write(5);
    expect([seqs, reader.cursor, reader.handled]).toEqual([[1, 2], 2, 0]);
    reader.acknowledge(1);
    expect([seqs, reader.handled]).toEqual([[1, 2, 3], 1]);
    reader.acknowledge(3);
    expect(seqs).toEqual([1, 2, 3, 4, 5]);
  });

  test("starts with full credit after the sequence it resumes from", () => {
    const { reader, seqs, write } = newReader(entries(2), { after: 3 });
    write(3);
    expect(seqs).toEqual([4, 5]);
    expect(() => reader.acknowledge(6)).toThrow("acknowledges more than was sent");
    reader.acknowledge(2);
    expect([seqs, reader.handled]).toEqual([[4, 5], 3]);
    reader.acknowledge(5);
    expect(seqs).toEqual([4, 5, 6]);
  });

  test("keeps in the log what its client has not handled, even if sent", () => {
    const { reader, log, asked, write } = newReader(entries(10), { maxEntries: 3 });
    write(3);
    expect([reader.cursor, log.tail, asked]).toEqual([3, 0, ["pause"]]);
    reader.acknowledge(2);
    expect([log.tail, asked]).toEqual([1, ["pause", "resume"]]);
  });

  test("ends when everything was sent, acknowledged or not", () => {
    const { reader, seqs, write, end } = newReader(entries(2));
    write(3);
    end();
    expect(seqs).toEqual([1, 2]);
    reader.acknowledge(1);
    expect(seqs).toEqual([1, 2, 3, "end"]);
    reader.acknowledge(3);
    expect(seqs).toEqual([1, 2, 3, "end"]);
  });

  test("sends nothing after it is detached, whatever is acknowledged", () => {
    const { reader, seqs, write } = newReader(entries(1));
    write(2);
    reader.detach();
    reader.acknowledge(1);
    expect(seqs).toEqual([1]);
  });
});
