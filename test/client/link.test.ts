/** One socket of the client: when it acknowledges, and when it is given up. */
import { describe, expect, test } from "@jest/globals";
import type { SocketLike } from "../../src/client/index.ts";
import { Link } from "../../src/client/link.ts";
import { ManualClock } from "./fake-gateway.ts";

const HELLO = { type: "hello", protocol: "sluice.v1", connection: "c", limits: { streams: 32, frameBytes: 1_000 } };
const SILENCE_MS = 45_000;
const HANDSHAKE_MS = 10_000;

/** A link that has had its hello, and what is seen of it. */
function setUp(silenceMs = SILENCE_MS, canTerminate = false) {
  const clock = new ManualClock();
  const ended: string[] = [];
  const sent: Record<string, unknown>[] = [];
  const lost: (string | number)[][] = [];
  let hear = (_: { readonly data: string }) => {};
  const socket: SocketLike = {
    send: (text) => void sent.push(JSON.parse(text)),
    close: () => void ended.push("closed"),
    ...(canTerminate && { terminate: () => void ended.push("terminated") }),
    addEventListener(type, listener) {
      if (type === "message") hear = listener;
    },
  };
  const link = new Link({
    socket,
    clock,
    silenceMs,
    handshakeMs: HANDSHAKE_MS,
    ready() {},
    frame() {},
    lost: (_, closeCode, reason) => void lost.push([closeCode, reason]),
  });
  const say = (frame: object | string) => hear({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  return { clock, link, sent, lost, ended, say };
}

function greeted() {
  const up = setUp();
  up.say(HELLO);
  up.clock.pass(110);
  expect(up.sent.splice(0)).toEqual([{ type: "ack", received: 1, streams: {} }]);
  return up;
}

describe("an acknowledgement is sent", () => {
  test("100 ms after the first thing that it is about, and not again without another", () => {
    const { clock, link, sent, say } = greeted();
    say({ type: "tick", ts: 1 });
    clock.pass(60);
    link.handled("a", 3, 10);
    clock.pass(39);
    expect(sent).toEqual([]);
    clock.pass(1);
    expect(sent).toEqual([{ type: "ack", received: 2, streams: { a: 3 } }]);
    clock.pass(10_000);
    expect(sent).toHaveLength(1);
  });

  test("at once with 64 events handled", () => {
    const { link, sent } = greeted();
    for (let seq = 1; seq < 64; seq++) link.handled("a", seq, 10);
    expect(sent).toEqual([]);
    link.handled("a", 64, 10);
    expect(sent).toEqual([{ type: "ack", received: 1, streams: { a: 64 } }]);
  });

  test("at once with 64 KiB handled, or received though nothing is handled", () => {
    const { clock, link, sent, say } = greeted();
    link.handled("a", 1, 65_535);
    expect(sent).toEqual([]);
    link.handled("b", 7, 1);
    expect(sent).toEqual([{ type: "ack", received: 1, streams: { a: 1, b: 7 } }]);
    clock.pass(10);
    say({ type: "event", id: "a", seq: 2, data: "x".repeat(65_536) });
    expect(sent.at(-1)).toEqual({ type: "ack", received: 2, streams: {} });
  });

  test("at most every 10 ms, so that a fast stream does not cost the gateway a frame each", () => {
    const { clock, link, sent } = greeted();
    for (let seq = 1; seq <= 6_400; seq++) {
      link.handled("a", seq, 10);
      if (seq % 640 === 0) clock.pass(1);
    }
    expect(sent.length).toBeLessThanOrEqual(2);
    clock.pass(10);
    expect(sent.at(-1)).toEqual({ type: "ack", received: 1, streams: { a: 6_400 } });
  });
});

describe("a link is given up", () => {
  test("without a hello in time", () => {
    const { clock, lost } = setUp();
    clock.pass(HANDSHAKE_MS - 1);
    expect(lost).toEqual([]);
    clock.pass(1);
    expect(lost).toEqual([[1006, "nothing was heard for 10000 ms"]]);
  });

  test("after silence, counted from the last frame of any kind, once", () => {
    const { clock, lost, say } = greeted();
    for (let ticks = 0; ticks < 5; ticks++) {
      clock.pass(20_000);
      say({ type: "tick", ts: ticks });
    }
    clock.pass(SILENCE_MS - 1);
    expect(lost).toEqual([]);
    clock.pass(1);
    expect(lost).toEqual([[1006, "nothing was heard for 45000 ms"]]);
    clock.pass(100_000);
    expect(lost).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test("after silence that is shorter than a handshake, counted from the hello", () => {
    const { clock, lost, say } = setUp(500);
    say(HELLO);
    clock.pass(500);
    expect(lost).toEqual([[1006, "nothing was heard for 500 ms"]]);
  });

  test.each([
    [true, "terminated"],
    [false, "closed"],
  ])("without waiting for the other side, where its socket can be ended so: %s", (canTerminate, how) => {
    const { clock, ended, say } = setUp(SILENCE_MS, canTerminate);
    say(HELLO);
    clock.pass(SILENCE_MS);
    expect(ended).toEqual([how]);
  });

  test.each(["not json", "null", ""])("when %j comes, which no gateway says", (text) => {
    const { lost, say } = greeted();
    say(text);
    expect(lost).toEqual([[1006, "what came is no frame"]]);
  });
});

test("an error without an id is about the oldest request that has no answer", () => {
  const clock = new ManualClock();
  const frames: object[] = [];
  let hear = (_: { readonly data: string }) => {};
  const socket: SocketLike = {
    send() {},
    close() {},
    addEventListener: (type, listener) => {
      if (type === "message") hear = listener;
    },
  };
  const never = { ready() {}, lost() {}, silenceMs: 1, handshakeMs: 1 };
  const link = new Link({ socket, clock, ...never, frame: (frame) => void frames.push(frame) });
  for (const id of ["a", "b", "c"]) link.request(id, "{}");
  const error = { code: "bad_frame", message: "", retryable: false };
  for (const frame of [
    { type: "opened", id: "a" },
    { type: "error", error },
    { type: "error", id: "c", error },
  ]) {
    hear({ data: JSON.stringify(frame) });
  }
  expect(frames).toMatchObject([{ id: "a" }, { id: "b" }, { id: "c" }]);
});
