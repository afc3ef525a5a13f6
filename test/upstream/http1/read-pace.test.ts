import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { type PacedSocket, ReadPace } from "../../../src/upstream/http1/read-pace.ts";
import { openUpstream, realClock, startCall } from "../../support/clients/loopback-call.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** The time one large read takes here, in milliseconds: four fit into a turn. */
const READ_MS = 3;
const LARGE = 65_536;

/** Sockets whose every large read takes `READ_MS` of a clock moved by hand. */
class Rig {
  nowMs = 0;
  readonly pace = new ReadPace(() => this.nowMs);
  /** The sockets' names in the order of their reads. */
  readonly handled: string[] = [];

  socket(name: string): PacedSocket {
    return { readOn: () => this.#handle(name) };
  }

  reads(name: string, socket: PacedSocket): boolean {
    const isAdmitted = this.pace.admits(socket, LARGE);
    if (isAdmitted) this.#handle(name);
    return isAdmitted;
  }

  #handle(name: string): void {
    this.nowMs += READ_MS;
    this.handled.push(name);
  }
}

test("large reads take 10 ms of a turn; the other sockets follow in the next turns, in order", async () => {
  const rig = new Rig();
  const names = [..."abcdefghij"];
  const admitted = names.filter((name) => rig.reads(name, rig.socket(name)));
  expect(admitted.join("")).toBe("abcd");
  await nextTurn();
  expect(rig.handled.join("")).toBe("abcdefgh");
  await nextTurn();
  expect(rig.handled.join("")).toBe("abcdefghij");
});

test("a socket does not overtake those that wait, though its turn has time left", async () => {
  const rig = new Rig();
  const sockets = [..."abcdef"].map((name) => ({ name, socket: rig.socket(name) }));
  for (const { name, socket } of sockets) rig.reads(name, socket);
  expect(rig.handled.join("")).toBe("abcd");
  const [first] = sockets;
  if (first) expect(rig.reads(first.name, first.socket)).toBe(false);
  await nextTurn();
  expect(rig.handled.join("")).toBe("abcdefa");
});

test("small reads are never put off, except behind one of the same socket", () => {
  const rig = new Rig();
  const put = rig.socket("put off");
  for (const name of "abcd") rig.reads(name, rig.socket(name));
  expect(rig.pace.admits(put, LARGE)).toBe(false);
  expect(rig.pace.admits(rig.socket("small"), 4_095)).toBe(true);
  expect(rig.pace.admits(put, 1)).toBe(false);
});

test("a closed socket is not read any more", async () => {
  const rig = new Rig();
  const closed = rig.socket("closed");
  for (const name of "abcd") rig.reads(name, rig.socket(name));
  rig.reads("closed", closed);
  rig.pace.forget(closed);
  await nextTurn();
  expect(rig.handled.join("")).toBe("abcd");
});

test("upstreams that send more than can be read leave the loop to others every 10 ms, and lose nothing", async () => {
  const events = 64;
  const data = "x".repeat(65_536);
  await using upstream = await startScriptedUpstream();
  let nowMs = 0;
  let turnBeganMs = 0;
  let longestMs = 0;
  await using client = openUpstream(upstream.url, {}, { clock: { now: () => nowMs, wall: realClock.wall } });
  const calls = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const { call, sink } = startCall(client);
      const exchange = await upstream.request();
      // Handling an event takes a millisecond of this clock.
      sink.onEvent = () => {
        nowMs++;
        longestMs = Math.max(longestMs, nowMs - turnBeganMs);
      };
      return { call, sink, exchange };
    }),
  );
  let isOver = false;
  const turn = () => {
    turnBeganMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  turn();
  for (const { exchange } of calls) {
    exchange.sse();
    for (let event = 0; event < events; event++) exchange.event(data);
    exchange.end();
  }
  const failures = await Promise.all(calls.map(({ sink }) => sink.done));
  isOver = true;
  expect(failures).toEqual([undefined, undefined, undefined, undefined]);
  for (const { sink } of calls) expect(sink.data.every((one) => one === data) && sink.data.length).toBe(events);
  expect(longestMs).toBeLessThanOrEqual(20);
});
