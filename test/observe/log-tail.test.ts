import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { LogTail } from "../../src/observe/log-tail.ts";
import { linesOf, STREAM } from "./log-lines.ts";

const ALL = { limit: 5_000, maxBytes: 1_000_000 };
const line = (text: string) => `${JSON.stringify({ level: "info", time: "2026-11-22T12:00:00.000Z", event: text })}\n`;
const eventsOf = (lines: readonly string[]) => lines.map((text) => JSON.parse(text).event);

function tailOf(...events: string[]): LogTail {
  const tail = new LogTail(1_000_000);
  for (const event of events) tail.write(line(event));
  return tail;
}

describe("the tail of the log", () => {
  test("returns the newest lines, and from a cursor only later ones", () => {
    const tail = tailOf("a", "b");
    const first = tail.read(ALL);
    expect(eventsOf(first.lines)).toEqual(["a", "b"]);
    expect(first).not.toHaveProperty("truncated");
    expect(tail.read({ ...ALL, cursor: first.cursor }).lines).toEqual([]);
    tail.write(line("c"));
    const next = tail.read({ ...ALL, cursor: first.cursor });
    expect(eventsOf(next.lines)).toEqual(["c"]);
    expect(next).not.toHaveProperty("reset");
  });

  test("says so when it returns fewer lines than there were", () => {
    const tail = tailOf("a", "b", "c");
    const newest = tail.read({ ...ALL, limit: 2 });
    expect(eventsOf(newest.lines)).toEqual(["b", "c"]);
    expect(newest).toMatchObject({ truncated: true });
    const length = line("a").length;
    expect(eventsOf(tail.read({ ...ALL, maxBytes: length * 2 + 1 }).lines)).toEqual(["b", "c"]);
    const behind = tail.read({ ...ALL, limit: 1, cursor: newest.cursor - 3 * length });
    expect(behind).toMatchObject({ truncated: true, reset: true, skippedBytes: 2 * length });
  });

  test("starts over for a cursor of another process, earlier or later", () => {
    const tail = tailOf("a");
    for (const cursor of [0, 999_999_999, 1_000_000_999]) {
      expect(tail.read({ ...ALL, cursor })).toMatchObject({ reset: true, lines: [expect.stringContaining('"a"')] });
    }
  });

  test("starts over for a cursor of a process that wrote faster than a line a millisecond, and was restarted at once", () => {
    const before = new LogTail(1_795_000_000_000);
    for (let count = 0; count < 2_000; count++) before.write(line("before"));
    const after = new LogTail(1_795_000_001_500);
    for (let count = 0; count < 3_000; count++) after.write(line("after"));
    const { reset, lines } = after.read({ ...ALL, cursor: before.read(ALL).cursor });
    expect([reset, lines.length]).toEqual([true, 3_000]);
  });

  test("drops the oldest lines, and no more than needed", () => {
    const tail = new LogTail(0);
    for (let count = 0; count < 12_000; count++) tail.write(line(String(count)));
    const { lines, truncated } = tail.read(ALL);
    expect(lines).toHaveLength(5_000);
    expect(eventsOf(lines).at(-1)).toBe("11999");
    expect(truncated).toBeUndefined();
    tail.write(line("x".repeat(1_000_000)));
    expect(tail.read(ALL).lines.length).toBeLessThan(1_000);
  });

  test("followed by its cursors it returns every line once, in order", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }), { maxLength: 20 }), (rounds) => {
        const tail = new LogTail(1_795_000_000_000);
        let cursor = tail.read(ALL).cursor;
        const seen: string[] = [];
        for (const round of rounds) {
          for (const event of round) tail.write(line(event));
          const answer = tail.read({ ...ALL, cursor });
          expect(answer.reset).toBeUndefined();
          seen.push(...eventsOf(answer.lines));
          cursor = answer.cursor;
        }
        expect(seen).toEqual(rounds.flat());
      }),
    );
  });

  test("keeps lines as JSON, even when the log is pretty, and adds the fields viewers show", async () => {
    let lines: readonly string[] = [];
    const shown = await linesOf(
      (log) => {
        log.observer.streamEnded(STREAM);
        lines = log.tail.read(ALL).lines;
      },
      { pretty: true },
    );
    expect(shown[0]).toContain("stream");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "info",
      time: "2026-11-22T12:00:00.123Z",
      subsystem: "sluice/stream",
      message: expect.stringMatching(/^stream stream=s_1 .*status=completed/),
      status: "completed",
    });
  });
});
