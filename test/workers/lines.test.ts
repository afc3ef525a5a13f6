import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { wholeLines } from "../../src/workers/lines.ts";

test("a log comes out in whole lines, however its bytes were cut", () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (lines, sizes) => {
      const written: string[] = [];
      const read = wholeLines((each) => written.push(each));
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      let from = 0;
      for (const size of sizes) {
        read(bytes.subarray(from, from + size));
        from += size;
      }
      read(bytes.subarray(from));
      expect(written).toEqual(lines.map((each) => `${each}\n`));
    }),
  );
});

test("half a line of a process that was killed is not written", () => {
  const written: string[] = [];
  const read = wholeLines((each) => written.push(each));
  read(Buffer.from('{"a":1}\n{"b":'));
  expect(written).toEqual(['{"a":1}\n']);
});

test("a line without an end is written in pieces before it takes all memory", () => {
  const written: string[] = [];
  const read = wholeLines((each) => written.push(each));
  const chunk = Buffer.alloc(256 * 1024, "x");
  for (let nth = 0; nth < 40; nth++) read(chunk);
  const longest = Math.max(...written.map(({ length }) => length));
  expect(written.length).toBeGreaterThan(1);
  expect(longest).toBeLessThan(2 * 1024 * 1024);
});
