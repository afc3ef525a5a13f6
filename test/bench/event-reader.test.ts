import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { layoutFor } from "../../bench/payload/event-layout.ts";
import { EventReader } from "../../bench/payload/event-reader.ts";
import { EventBlock } from "../../bench/upstream/event-block.ts";

const BYTES = 230;
const STAMP_US = 123_456_789_012;

/** The JSON of one stamped event, as the upstream writes it. */
function payload(key: number, seq: number, timeUs: number, bytes = BYTES): Buffer {
  const block = new EventBlock(key, 1, bytes);
  block.stamp(seq, timeUs);
  const from = block.bytes.indexOf("{");
  return Buffer.from(block.bytes.subarray(from, from + layoutFor(bytes).json.length));
}

describe("an event", () => {
  test("has the requested size", () => {
    expect([230, 500, 4096].map((bytes) => layoutFor(bytes).sse.length)).toEqual([230, 500, 4096]);
  });

  test("is the JSON of a chat chunk", () => {
    expect(JSON.parse(payload(1, 2, 3).toString())).toMatchObject({ choices: [{ index: 0, finish_reason: null }] });
  });

  test("returns its stamps at any offset of a buffer", () => {
    const stamps = fc.tuple(fc.nat(99_999_999), fc.nat(99_999_999), fc.nat(9e14), fc.nat(300));
    fc.assert(
      fc.property(stamps, ([key, seq, timeUs, offset]) => {
        const json = payload(key, seq, timeUs);
        const buffer = Buffer.concat([Buffer.alloc(offset, "x"), json, Buffer.from("}")]);
        const reader = new EventReader(BYTES);
        expect(reader.read(buffer, offset, offset + json.length)).toBe("whole");
        expect([reader.key, reader.seq, reader.timeUs]).toEqual([key, seq, timeUs]);
      }),
    );
  });

  test("with any byte changed is corrupt, foreign, or has other stamps", () => {
    const json = payload(1, 2, STAMP_US);
    for (let at = 0; at < json.length; at++) {
      const changed = Buffer.from(json);
      changed[at] = json[at] === 0x7e ? 0x7d : 0x7e;
      const reader = new EventReader(BYTES);
      const verdict = reader.read(changed, 0, changed.length);
      const untouched = verdict === "whole" && reader.key === 1 && reader.seq === 2 && reader.timeUs === STAMP_US;
      // If a name outside the content changed, only the content is compared.
      const content = JSON.parse(json.toString()).choices[0].delta.content as string;
      const inContent = at >= json.indexOf(content) && at < json.indexOf(content) + content.length;
      expect(untouched && inContent).toBe(false);
    }
  });

  test("re-serialized with other spaces is still read", () => {
    const pretty = JSON.stringify(JSON.parse(payload(7, 8, 9).toString()), undefined, 1);
    const reader = new EventReader(BYTES);
    expect(reader.read(Buffer.from(pretty), 0, pretty.length)).toBe("whole");
    expect([reader.key, reader.seq, reader.timeUs]).toEqual([7, 8, 9]);
  });

  test("that is truncated is corrupt", () => {
    const json = payload(1, 2, 3);
    expect(new EventReader(BYTES).read(json, 0, json.length - 1)).toBe("corrupt");
  });
});

describe("anything else than an event", () => {
  test("is the end of a stream, or foreign", () => {
    const reader = new EventReader(BYTES);
    expect(reader.readText("[DONE]")).toBe("trailer");
    expect(reader.readText('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')).toBe("trailer");
    expect(reader.readText('{"choices":[],"usage":{"prompt_tokens":1}}')).toBe("trailer");
    expect(reader.readText('{"choices":[{"delta":{"content":"Hello"}}]}')).toBe("unstamped");
  });
});
