import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type FrameHead, FrameHeads } from "../../../src/transport/ws/frame-heads.ts";
import { SplitFrame } from "../../../src/transport/ws/split-frame.ts";
import { frameBytes, TEXT } from "../../support/clients/raw-web-socket.ts";

const frame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 8, 9, 10, 3),
  fin: fc.boolean(),
  rsv: fc.nat(7),
  masked: fc.boolean(),
  mask: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
  payload: fc.oneof(fc.uint8Array({ maxLength: 140 }), fc.constant(new Uint8Array(66_000))),
});

/** The bytes in pieces of these lengths, repeated in turn. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

describe("frame heads", () => {
  test("read the same however they are divided", () => {
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 70_000 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), lengths, (frames, pieces) => {
        const heads = new FrameHeads();
        const found: FrameHead[] = [];
        let skip = 0;
        for (const chunk of cut(Buffer.concat(frames.map(frameBytes)), pieces)) {
          let at = 0;
          while (at < chunk.length) {
            if (skip > 0) {
              const skipped = Math.min(skip, chunk.length - at);
              skip -= skipped;
              at += skipped;
              continue;
            }
            const { taken, head } = heads.read(chunk, at);
            at += taken;
            if (!head) continue;
            found.push(head);
            skip = head.payloadBytes;
          }
        }
        expect(heads.isInside).toBe(false);
        expect(
          found.map(({ opcode, fin, reservedBits, mask, payloadBytes }) => ({
            opcode,
            fin,
            rsv: reservedBits,
            mask: mask && [...mask],
            payloadBytes,
          })),
        ).toEqual(
          frames.map(({ opcode, fin, rsv, masked, mask, payload }) => ({
            opcode,
            fin,
            rsv,
            mask: masked ? mask : undefined,
            payloadBytes: payload.length,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test("may announce lengths beyond any limit", () => {
    const bytes = frameBytes({ opcode: TEXT, announcedBytes: 2 ** 52 });
    expect(new FrameHeads().read(bytes, 0).head?.payloadBytes).toBe(2 ** 52);
    const most = Buffer.from([0x81, 0xff, ...Array(8).fill(255), 0, 0, 0, 0]);
    expect(new FrameHeads().read(most, 0).head?.payloadBytes).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
  });
});

describe("a frame that arrives in several reads", () => {
  test("is assembled with a mask of zeros, however it is divided", () => {
    const payloads = fc.uint8Array({ minLength: 1, maxLength: 400 });
    const masks = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    fc.assert(
      fc.property(
        payloads,
        masks,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (payload, mask, cuts) => {
          const bytes = frameBytes({ opcode: TEXT, payload, mask });
          const { taken, head } = new FrameHeads().read(bytes, 0);
          if (!head) throw new Error("there is no head");
          const split = new SplitFrame(head);
          for (const piece of cut(bytes.subarray(taken), cuts)) {
            expect(split.complete).toBeUndefined();
            expect(split.take(piece, 0)).toBe(piece.length);
          }
          expect(split.complete).toEqual(frameBytes({ opcode: TEXT, payload }));
        },
      ),
    );
  });
});
