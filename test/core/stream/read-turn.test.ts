import { describe, expect, test } from "@jest/globals";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";

describe("work deferred to the end of a read", () => {
  test("runs once, in order, when the read is handled; outside of reads it is refused", () => {
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

  test("is reported if it throws, and the rest still runs", () => {
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
