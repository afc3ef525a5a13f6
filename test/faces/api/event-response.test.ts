import { describe, expect, test } from "@jest/globals";
import type { Code } from "../../../protocol/codes.ts";
import { toByteString } from "../../../src/core/kernel/byte-string.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { HttpExchange } from "../../../src/core/ports/http-face.ts";
import { Stream } from "../../../src/core/stream/stream.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";
import { EventResponse } from "../../../src/faces/api/event-response.ts";
import { EVENTS } from "../../../src/faces/api/framing.ts";

const COMPLETED: Terminal = {
  status: "completed",
  lastSeq: 0,
  usage: { source: "unknown" },
  timing: { totalMs: 1 },
  lossy: false,
};
const failed = (code: Code): Terminal => ({ ...COMPLETED, status: "failed", error: new GatewayError(code) });

/** An answer without a socket: what was written, in which pieces, and how full its socket is said to be. */
function setUp(unframed?: string) {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const happened: string[] = [];
  const socket = { full: false, broken: false, drained: () => {} };
  const faults: unknown[] = [];
  let close: (why: Code) => void = () => {};
  let now = 0;
  const body = {
    get writable() {
      return !socket.full;
    },
    write(bytes: string) {
      if (socket.broken) throw new TypeError("a fault of the answer");
      written.push(bytes);
    },
    end: () => void happened.push("end"),
  };
  const exchange: Partial<HttpExchange> = {
    onClose(listener) {
      close = listener;
    },
    abort: () => void happened.push("abort"),
    stream(_, drained) {
      happened.push("head");
      socket.drained = drained;
      return body;
    },
  };
  const info = { id: "s_1", epoch: 1, route: "r", model: undefined, startedAt: 0 };
  const log = new StreamLog({ maxBytes: 1_000_000, maxEntries: 1_000 });
  const stream = new Stream(
    info,
    log,
    () => 0,
    (error) => faults.push(error),
  );
  const answer = new EventResponse({
    exchange: exchange as HttpExchange,
    stream,
    headers: () => ({}),
    refuse: ({ code }) => void happened.push(`refused ${code}`),
    framing: EVENTS,
    later: (work) => void waiting.push(work),
    errorEvents: ({ code }, first, last) => [
      { event: "error", data: `${code} ${first?.data} ${last?.data}` },
      ...(unframed === undefined ? [] : [{ event: undefined, data: unframed, isUnframed: true } as const]),
    ],
    over: () => void happened.push("over"),
    silenceMs: 1_000,
    now: () => now,
    left: ({ code }) => void happened.push(`left ${code}`),
  });
  answer.begin();
  return {
    answer,
    stream,
    written,
    happened,
    faults,
    socket,
    close: (why: Code) => close(why),
    /** What must wait for another write. */
    waiting,
    /** Sets the clock. */
    at(ms: number) {
      now = ms;
    },
    say: (data: string, name?: string) => stream.publish(name, toByteString(data), false),
    /** The end of the callback in which the upstream's chunk came. */
    endOfCallback: () => new Promise<void>((resolve) => queueMicrotask(resolve)),
  };
}

describe("a streamed response", () => {
  test("writes what is no event last, apart from all events", async () => {
    const { say, close, written, waiting, happened, endOfCallback } = setUp('{"error":{}}');
    say("1");
    await endOfCallback();
    close("shutting_down");
    expect(written).toEqual(["data: 1\n\n", "event: error\ndata: shutting_down 1 1\n\n"]);
    expect(happened).not.toContain("end");
    for (const work of waiting) work();
    expect(written.slice(2)).toEqual(['{"error":{}}']);
    expect(happened.at(-1)).toBe("end");
  });

  test("sends its head with the first event, and the events of one chunk in one write", async () => {
    const { say, written, happened, endOfCallback } = setUp();
    expect(happened).toEqual([]);
    say("1");
    say("2");
    expect(written).toEqual([]);
    await endOfCallback();
    say("3");
    await endOfCallback();
    expect(written).toEqual(["data: 1\n\ndata: 2\n\n", "data: 3\n\n"]);
    expect(happened).toEqual(["head"]);
  });

  test("writes at once when more than one piece's worth has gathered", () => {
    const { say, written } = setUp();
    for (let n = 0; n < 20; n++) say("x".repeat(1_000));
    expect(written).toHaveLength(1);
    expect(written[0]?.length).toBeGreaterThan(16_000);
  });

  test("leaves in the log what a full socket cannot take, and continues from there", async () => {
    const { say, written, socket, endOfCallback } = setUp();
    say("1");
    await endOfCallback();
    socket.full = true;
    say("2");
    say("3");
    await endOfCallback();
    expect(written).toEqual(["data: 1\n\n"]);
    socket.full = false;
    socket.drained();
    await endOfCallback();
    expect(written).toEqual(["data: 1\n\n", "data: 2\n\ndata: 3\n\n"]);
  });

  test("that fails before its first event is a refusal without a stream", () => {
    const { stream, happened } = setUp();
    stream.end(failed("upstream_overloaded"));
    expect(happened).toEqual(["over", "refused upstream_overloaded"]);
  });

  test("that fails midway ends with an error event after everything received", async () => {
    const { stream, say, written, happened } = setUp();
    say("é");
    say("2");
    stream.end(failed("upstream_reset"));
    expect(written.join("")).toBe(toByteString("data: é\n\ndata: 2\n\nevent: error\ndata: upstream_reset é 2\n\n"));
    expect(happened).toEqual(["over", "head", "end"]);
  });

  test("that completes ends without an event of the gateway's", () => {
    const { stream, say, written, happened } = setUp();
    say("1");
    stream.end(COMPLETED);
    expect(written).toEqual(["data: 1\n\n"]);
    expect(happened).toEqual(["over", "head", "end"]);
  });

  test("sends nothing after its client has left, and reports why", async () => {
    const { say, written, happened, close, endOfCallback } = setUp();
    close("client_gone");
    say("1");
    await endOfCallback();
    expect(written).toEqual([]);
    expect(happened).toEqual(["over", "left client_gone"]);
  });

  test("that the gateway ends says why in its last event", async () => {
    const { say, written, happened, close, endOfCallback } = setUp();
    say("1");
    await endOfCallback();
    close("unauthorized");
    expect(written.at(-1)).toBe("event: error\ndata: unauthorized 1 1\n\n");
    expect(happened).toEqual(["head", "over", "end", "left unauthorized"]);
  });

  test.each([
    ["a write put off to the end of the callback", "later"],
    ["a write at once", "now"],
    ["its last write", "end"],
    ["a sign of life", "look"],
  ] as const)("with a fault in %s is cut off, and its upstream call cancelled", async (_, place) => {
    const { answer, stream, say, socket, happened, faults, at, endOfCallback } = setUp();
    say("1");
    await endOfCallback();
    socket.broken = true;
    if (place === "later") say("2");
    if (place === "now") say("x".repeat(20_000));
    if (place === "look") {
      answer.look();
      at(1_000);
      answer.look();
    }
    await endOfCallback();
    if (place === "end") stream.end(failed("upstream_reset"));
    expect(faults).toEqual([expect.any(TypeError)]);
    expect(happened.slice(0, 1)).toEqual(["head"]);
    expect(happened.slice(-2)).toEqual(["abort", "left internal"]);
    expect(stream.readers).toBe(0);
  });

  test("sends head and comment after its silence, not before, and a comment after each further silence", () => {
    const { answer, written, happened, at } = setUp();
    const looksUntil = (ms: number) => {
      at(ms);
      answer.look();
      return written.length;
    };
    expect([0, 500, 999].map(looksUntil)).toEqual([0, 0, 0]);
    expect(happened).toEqual([]);
    expect([1_000, 1_999, 2_000, 3_000].map(looksUntil)).toEqual([1, 1, 2, 3]);
    expect(happened).toEqual(["head"]);
    expect(written.every((text) => text === ": keep-alive\n\n")).toBe(true);
  });

  test("counts a silence from the first look after the last event", async () => {
    const { answer, say, written, at, endOfCallback } = setUp();
    at(900);
    say("1");
    await endOfCallback();
    for (const ms of [1_000, 1_999]) {
      at(ms);
      answer.look();
    }
    expect(written).toEqual(["data: 1\n\n"]);
    at(2_000);
    answer.look();
    expect(written.at(-1)).toBe(": keep-alive\n\n");
  });

  test("is a refusal when the provider's first event, pings aside, is its error", async () => {
    for (const pings of [0, 2]) {
      const { stream, say, written, happened, endOfCallback } = setUp();
      for (let ping = 0; ping < pings; ping++) say("{}", "ping");
      await endOfCallback();
      say('{"error":{"code":429}}', "error");
      const error = new GatewayError("upstream_error_event", "slow down", { details: { status: 429 } });
      stream.end({ ...COMPLETED, status: "failed", error });
      await endOfCallback();
      expect(happened).toEqual(["over", "refused upstream_rate_limited"]);
      expect(written).toEqual([]);
    }
  });

  test("sends a ping with the event that follows it, or at the next look", async () => {
    const { say, written, endOfCallback } = setUp();
    say("{}", "ping");
    await endOfCallback();
    expect(written).toEqual([]);
    say("1");
    await endOfCallback();
    expect(written).toEqual(["event: ping\ndata: {}\n\ndata: 1\n\n"]);
    const later = setUp();
    later.say("{}", "ping");
    later.answer.look();
    expect(later.written).toEqual(["event: ping\ndata: {}\n\n"]);
  });

  test("ends with the provider's error when other events came before it", async () => {
    const { stream, say, written, happened, endOfCallback } = setUp();
    say("1");
    say('{"error":{"code":429}}', "error");
    stream.end(failed("upstream_error_event"));
    await endOfCallback();
    expect(happened).toEqual(["over", "head", "end"]);
    expect(written[0]).toContain("data: 1");
  });

  test("adds no comment to a full socket", () => {
    const { answer, socket, written, at } = setUp();
    socket.full = true;
    for (let ms = 0; ms < 50_000; ms += 100) {
      at(ms);
      answer.look();
    }
    expect(written).toEqual([]);
  });
});
