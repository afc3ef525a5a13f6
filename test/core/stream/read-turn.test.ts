import { describe, expect, test } from "@jest/globals";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";

describe("what is put off to the end of a read", () => {
  test("is done once when the read is handled, in order; without a read it is refused", () => {
    const done: string[] = [];
    const reads = new ReadTurn(() => {});
    expect(reads.after(() => done.push("never"))).toBe(false);
    reads.begin();
    expect(reads.after(() => done.push("a"))).toBe(true);
    reads.after(() => done.push("b"));
    expect(done).toEqual([]);
    reads.end();
    reads.begin();
    reads.end();
    expect(done).toEqual(["a", "b"]);
  });

  test("costs nothing else when it throws: that is reported, and the rest is done", () => {
    const done: string[] = [];
    const faults: unknown[] = [];
    const reads = new ReadTurn((error) => faults.push(error));
    reads.begin();
    reads.after(() => {
      throw new TypeError("a fault of the write");
    });
    reads.after(() => done.push("b"));
    reads.end();
    expect([done, faults]).toEqual([["b"], [expect.any(TypeError)]]);
    reads.begin();
    reads.after(() => done.push("c"));
    reads.end();
    expect(done).toEqual(["b", "c"]);
  });
});
