import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { HeldReads } from "../../../src/upstream/http1/held-reads.ts";
import { READ_BYTES, ReadBuffers } from "../../../src/upstream/http1/read-buffers.ts";

/** Counts what is out, and overwrites what comes back. */
class CountedBuffers extends ReadBuffers {
  readonly #out = new Set<Buffer>();

  get out(): number {
    return this.#out.size;
  }

  override take(): Buffer {
    const buffer = super.take();
    this.#out.add(buffer);
    return buffer;
  }

  override giveBack(buffer: Buffer): void {
    if (!this.#out.delete(buffer)) throw new Error("this buffer is not out");
    buffer.fill("!");
    super.giveBack(buffer);
  }
}

const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 10_000, max: READ_BYTES + 100 }));

test("reads are handed out in their order, and their buffers given back", () => {
  fc.assert(
    fc.property(fc.array(fc.array(size, { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (rounds) => {
      const buffers = new CountedBuffers();
      const held = new HeldReads(buffers);
      const shared = Buffer.alloc(READ_BYTES + 100);
      for (const sizes of rounds) {
        let all = "";
        for (const [index, size] of sizes.entries()) {
          // The next read overwrites this one.
          shared.fill(0x61 + index);
          held.add(shared, size);
          all += String.fromCharCode(0x61 + index).repeat(size);
        }
        expect(held.bytes).toBe(all.length);
        expect(held.take() === all).toBe(true);
        expect([held.bytes, buffers.out]).toEqual([0, 0]);
      }
    }),
    { numRuns: 50 },
  );
});

test("small reads take no shared buffer, so that many paused sockets hold little", () => {
  const buffers = new CountedBuffers();
  const held = new HeldReads(buffers);
  held.add(Buffer.alloc(READ_BYTES), 1_000);
  expect([held.bytes, buffers.out]).toEqual([1_000, 0]);
});

test("4 MiB of free buffers are kept, no more", () => {
  const buffers = new ReadBuffers();
  const taken = Array.from({ length: 65 }, () => buffers.take());
  for (const buffer of taken) buffers.giveBack(buffer);
  const known = new Set(taken);
  const again = Array.from({ length: 65 }, () => buffers.take());
  expect(again.filter((buffer) => known.has(buffer))).toHaveLength((4 * 1_048_576) / READ_BYTES);
});
