import { describe, expect, test } from "@jest/globals";
import { CallerLoad } from "../../../src/core/caller/caller-load.ts";

function setUp() {
  const clock = { nowMs: 0, now: () => clock.nowMs, wall: () => 0 };
  return { clock, load: new CallerLoad(clock) };
}

describe("a caller is heavy", () => {
  test("if its messages together took a twentieth of the event loop's time over five seconds", () => {
    const { load } = setUp();
    for (let count = 0; count < 9; count++) load.took("a", 25);
    load.took("b", 249);
    expect([load.isHeavy("a"), load.isHeavy("b"), load.isHeavy("nobody"), load.anyIsHeavy]).toEqual(
      Array(4).fill(false),
    );
    load.took("a", 25);
    expect([load.isHeavy("a"), load.isHeavy("b"), load.anyIsHeavy]).toEqual([true, false, true]);
  });

  test("while it continues, and only briefly after that", () => {
    const { clock, load } = setUp();
    load.took("a", 1_000);
    clock.nowMs = 6_900;
    expect(load.isHeavy("a")).toBe(true);
    clock.nowMs = 7_000;
    expect([load.isHeavy("a"), load.anyIsHeavy]).toEqual([false, false]);
    // 20 frames a second that take 3 ms each: a little more than a twentieth.
    for (let count = 0; count < 1_000; count++) {
      clock.nowMs += 50;
      load.took("a", 3);
    }
    expect(load.isHeavy("a")).toBe(true);
  });
});
