import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { FrameReader } from "../../bench/client/wire/frame-reader.ts";
import { clientFrame } from "../../bench/client/wire/frame-writer.ts";
import { ClientFrames } from "../../bench/rows/floor/client-frames.ts";

const FIN = 0x80;

/** A server's frame. */
function frame(first: number, payload: Buffer): Buffer {
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  const head = Buffer.alloc(payload.length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = payload.length < 65_536 ? 126 : 127;
  if (payload.length < 65_536) head.writeUInt16BE(payload.length, 2);
  else head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

function readAll(bytes: Buffer, cuts: readonly number[]): [number, string][] {
  const messages: [number, string][] = [];
  const reader = new FrameReader((opcode, buffer, start, end) =>
    messages.push([opcode, buffer.toString("latin1", start, end)]),
  );
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  edges.slice(1).forEach((edge, index) => {
    // The client's reads share one buffer, so the bytes after a message have changed by then.
    const chunk = Buffer.concat([bytes.subarray(edges[index], edge), Buffer.alloc(20, 0xff)]);
    reader.read(chunk, edge - (edges[index] ?? 0));
    chunk.fill(0xee);
  });
  return messages;
}

describe("the client's frame reader", () => {
  test("finds the same messages however the bytes are split", () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 65_535, 65_536)), { maxLength: 5 });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(200_000), { maxLength: 6 }), (lengths, cuts) => {
        const texts = lengths.map((length, index) => String(index).repeat(length).slice(0, length));
        const bytes = Buffer.concat(texts.map((text) => frame(FIN | 1, Buffer.from(text))));
        expect(readAll(bytes, cuts)).toEqual(texts.map((text) => [1, text]));
      }),
    );
  });

  test("joins the fragments of a message around a ping", () => {
    const bytes = Buffer.concat([
      frame(1, Buffer.from("one ")),
      frame(FIN | 9, Buffer.from("?")),
      frame(0, Buffer.from("two ")),
      frame(FIN, Buffer.from("three")),
    ]);
    expect(readAll(bytes, [])).toEqual([
      [9, "?"],
      [1, "one two three"],
    ]);
  });

  test("rejects frames that a server must not send", () => {
    expect(() => readAll(Buffer.from([FIN | 1, 0x80]), [])).toThrow("masked");
    expect(() => readAll(Buffer.from([FIN | 0x40 | 1, 0]), [])).toThrow("reserved");
  });
});

describe("a client's frame", () => {
  test("reaches the floor unchanged, however it is split", () => {
    const texts = fc.array(fc.string({ unit: "binary", maxLength: 300 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(texts, fc.nat(1000), (given, cut) => {
        const heard: string[] = [];
        const frames = new ClientFrames((text) => heard.push(text));
        const bytes = Buffer.concat(given.map((text) => clientFrame(1, text)));
        const at = cut % bytes.length;
        frames.read(bytes.subarray(0, at));
        frames.read(bytes.subarray(at));
        expect(heard).toEqual(given.map((text) => Buffer.from(text).toString()));
      }),
    );
  });
});
