import { describe, expect, test } from "@jest/globals";
import { LoadStream } from "../../bench/client/load-stream.ts";
import { Tally } from "../../bench/client/tally.ts";
import { layoutFor } from "../../bench/payload/event-layout.ts";
import { DEFAULT_PLAN } from "../../bench/payload/plan.ts";
import { EventBlock } from "../../bench/upstream/event-block.ts";

const PLAN = { ...DEFAULT_PLAN, key: 5, count: 4 };

/** Plays events to a stream of four, each given by its number, or by number and key. */
function play(...events: (number | readonly [number, number])[]) {
  const tally = new Tally();
  tally.recording = true;
  const stream = new LoadStream(PLAN, tally, "steady");
  for (const event of events) {
    const [seq, key] = typeof event === "number" ? [event, PLAN.key] : event;
    const block = new EventBlock(key, 1, layoutFor(PLAN.payload, PLAN.bytes));
    block.stamp(seq, 1000);
    stream.payload(block.bytes, block.bytes.indexOf("{"), block.bytes.lastIndexOf("}") + 1, 1700);
  }
  return { stream, tally };
}

describe("the client's check of a stream", () => {
  test("counts each event with its latency", () => {
    const { stream, tally } = play(1, 2, 3, 4);
    stream.end();
    expect(tally).toMatchObject({ events: 4, lost: 0, duplicated: 0, corrupt: 0 });
    expect([tally.latency.count, tally.latency.quantile(0.5)]).toEqual([4, 700]);
  });

  test("detects a gap, and missing events at the end", () => {
    const { stream, tally } = play(1, 3);
    expect(tally.lost).toBe(1);
    stream.end();
    expect(tally.lost).toBe(2);
  });

  test("detects a repeated event", () => {
    expect(play(1, 2, 2).tally).toMatchObject({ events: 2, duplicated: 1 });
  });

  test("detects an event of another stream", () => {
    expect(play(1, [2, 6]).tally).toMatchObject({ events: 1, corrupt: 1 });
  });

  test("reports why a stream failed, and counts nothing after that", () => {
    const { stream, tally } = play(1);
    stream.end("HTTP 500");
    stream.end();
    expect(tally).toMatchObject({ lost: 0, failures: { "HTTP 500": 1 } });
  });
});
