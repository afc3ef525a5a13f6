import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { BlockBytes } from "../../../src/core/log/block-bytes.ts";
import { ScribbledMemory } from "../../support/jest/scribbled-memory.ts";

const BLOCK_BYTES = 16;

const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  maxLength: 50,
});
const step = fc.oneof(fc.record({ append: bytes }), fc.record({ drop: fc.nat(60) }));

test("bytes are read from wherever they stand, and each block goes back once all of it is dropped", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.array(step, { maxLength: 60 }), fc.nat(), fc.nat(), (start, steps, one, other) => {
      const memory = new ScribbledMemory(BLOCK_BYTES);
      const queue = new BlockBytes(memory, start);
      let all = "";
      let dropped = 0;
      for (const step of steps) {
        if ("append" in step) {
          queue.append(step.append);
          all += step.append;
        } else {
          dropped = Math.min(all.length, dropped + step.drop);
          queue.dropTo(start + dropped);
        }
        expect(memory.taken).toBeLessThanOrEqual(Math.ceil((all.length - dropped) / BLOCK_BYTES) + 1);
        if (dropped === all.length) expect(memory.taken).toBe(0);
      }
      const [from = 0, to = 0] = [one, other]
        .map((at) => dropped + (at % (all.length - dropped + 1)))
        .sort((a, b) => a - b);
      expect(queue.read(start + from, start + to)).toBe(all.slice(from, to));
      queue.dropTo(start + all.length);
      expect(memory.taken).toBe(0);
    }),
  );
});

test("bytes dropped before they come leave no room behind", () => {
  const memory = new ScribbledMemory(BLOCK_BYTES);
  const queue = new BlockBytes(memory, 0);
  queue.append("dropped");
  queue.dropTo(100);
  queue.append("kept");
  expect([queue.read(100, 104), memory.taken]).toEqual(["kept", 1]);
});
