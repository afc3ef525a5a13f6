import { describe, expect, test } from "@jest/globals";
import { Deadlines, type Phase } from "../../../src/upstream/call/deadlines.ts";

const timeouts = {
  connectMs: 10,
  headersMs: 120,
  firstEventMs: 180,
  idleMs: 60,
  progressMs: 300,
  totalMs: 900,
  endMs: 3,
  errorBodyMs: 5,
  finishMs: 1,
};

/** Deadlines on a clock that tests move. */
function at0() {
  const clock = { now: 0 };
  return { clock, deadlines: new Deadlines(timeouts, () => clock.now) };
}

describe("each phase has its own limit", () => {
  test.each<[Phase, string, number]>([
    ["connect", "connect", 110],
    ["headers", "headers", 220],
    ["first_event", "first_event", 280],
    ["events", "idle", 160],
    ["error_body", "error_body", 105],
    ["retry", "total", 900],
  ])("%s: %s", (phase, timer, at) => {
    const { clock, deadlines } = at0();
    clock.now = 100;
    deadlines.enter(phase);
    expect(deadlines.next()).toEqual({ timer, at });
  });
});

test("bytes move the idle limit, only events move the progress limit", () => {
  const { clock, deadlines } = at0();
  deadlines.enter("events");
  for (clock.now = 0; clock.now <= 250; clock.now += 50) deadlines.bytes();
  expect(deadlines.next()).toEqual({ timer: "progress", at: 300 });
  clock.now = 260;
  deadlines.bytes();
  deadlines.event();
  expect(deadlines.next()).toEqual({ timer: "idle", at: 320 });
});

test("the total limit counts from the call and comes before any later one", () => {
  const { clock, deadlines } = at0();
  clock.now = 880;
  deadlines.enter("events");
  expect(deadlines.next()).toEqual({ timer: "total", at: 900 });
});

describe("a pause", () => {
  test("suspends every limit but the total", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    clock.now = 50;
    deadlines.pause();
    expect(deadlines.next()).toEqual({ timer: "total", at: 900 });
  });

  test("that is asked for twice is one", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    clock.now = 50;
    deadlines.pause();
    clock.now = 70;
    deadlines.pause();
    deadlines.resume();
    expect(deadlines.next()).toEqual({ timer: "idle", at: 80 });
  });

  test("lets the waits go on where it stopped them", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    clock.now = 50;
    deadlines.pause();
    clock.now = 75;
    deadlines.resume();
    expect(deadlines.next()).toEqual({ timer: "idle", at: 85 });
  });

  test("never makes a wait begin in the future", () => {
    const { clock, deadlines } = at0();
    deadlines.pause();
    clock.now = 20;
    deadlines.enter("events");
    deadlines.resume();
    expect(deadlines.next()).toEqual({ timer: "idle", at: 80 });
  });

  test("does not stop the total", () => {
    const { clock, deadlines } = at0();
    clock.now = 890;
    deadlines.pause();
    expect(deadlines.next()).toEqual({ timer: "total", at: 900 });
  });
});

describe("the end of a body whose answer is whole", () => {
  test("is due a fixed time after the event that completed it, whatever follows", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    clock.now = 50;
    deadlines.bytes();
    deadlines.event();
    deadlines.awaitEnd(true);
    clock.now = 52;
    deadlines.bytes();
    deadlines.event();
    deadlines.awaitEnd(true);
    expect(deadlines.next()).toEqual({ timer: "end", at: 53 });
  });

  test("is not due if the answer continues", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    deadlines.awaitEnd(true);
    clock.now = 2;
    deadlines.bytes();
    deadlines.awaitEnd(false);
    expect(deadlines.next()).toEqual({ timer: "idle", at: 62 });
  });

  test("is postponed by a pause", () => {
    const { clock, deadlines } = at0();
    deadlines.enter("events");
    deadlines.awaitEnd(true);
    clock.now = 1;
    deadlines.pause();
    clock.now = 11;
    deadlines.resume();
    expect(deadlines.next()).toEqual({ timer: "end", at: 13 });
  });
});
