import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ending, layoutFor, leadIn } from "../../bench/payload/event-layout.ts";
import { EventReader } from "../../bench/payload/event-reader.ts";
import { PAYLOAD_NAMES, type PayloadName } from "../../bench/payload/shape.ts";
import { EventBlock } from "../../bench/upstream/event-block.ts";

/** As long as a payload makes its events. */
const BYTES = 0;
const STAMP_US = 123_456_789_012;

/** The JSON of one stamped event, as the upstream writes it. */
function payload(name: PayloadName, key: number, seq: number, timeUs: number, bytes = BYTES): Buffer {
  const block = new EventBlock(key, 1, layoutFor(name, bytes));
  block.stamp(seq, timeUs);
  return Buffer.from(block.bytes.subarray(block.bytes.indexOf("{"), block.bytes.lastIndexOf("}") + 1));
}

/** The data lines of some SSE text. */
const dataOf = (sse: Buffer): string[] =>
  [...sse.toString("latin1").matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => data);

const textOf = (json: Buffer): string => {
  const { choices, delta } = JSON.parse(json.toString()) as {
    choices?: { delta: { content: string } }[];
    delta?: { text: string };
  };
  return choices?.[0]?.delta.content ?? delta?.text ?? "";
};

describe.each(PAYLOAD_NAMES)("an event of the payload %s", (name) => {
  test("has the requested size where it needs no more", () => {
    const sizes = layoutFor(name, 4096).variants.map(({ sse }) => sse.length);
    // Text is filled up by bytes; what the provider adds to a longer text of its own accord comes on top.
    for (const size of sizes) expect(Math.abs(size - 4096)).toBeLessThan(16);
  });

  test("returns its stamps at any offset of a buffer", () => {
    const stamps = fc.tuple(fc.nat(99_999_999), fc.integer({ min: 1, max: 99_999_999 }), fc.nat(9e14), fc.nat(300));
    fc.assert(
      fc.property(stamps, ([key, seq, timeUs, offset]) => {
        const json = payload(name, key, seq, timeUs);
        const buffer = Buffer.concat([Buffer.alloc(offset, "x"), json, Buffer.from("}")]);
        const reader = new EventReader(name, BYTES);
        expect(reader.read(buffer, offset, offset + json.length)).toBe("whole");
        expect([reader.key, reader.seq, reader.timeUs]).toEqual([key, seq, timeUs]);
      }),
    );
  });

  test("is compared where it stands, without being parsed", () => {
    class ComparingReader extends EventReader {
      override readText(text: string): never {
        throw new Error(`parsed ${text}`);
      }
    }
    const reader = new ComparingReader(name, BYTES);
    for (let seq = 1; seq <= 130; seq++) {
      const json = payload(name, 3, seq, STAMP_US);
      expect(reader.read(json, 0, json.length)).toBe("whole");
    }
  });

  test("with any byte of its text changed is corrupt, foreign, or has other stamps", () => {
    const json = payload(name, 1, 2, STAMP_US);
    const from = json.indexOf("00000001-00000002-");
    for (let at = from; at < from + Buffer.byteLength(textOf(json)); at++) {
      const changed = Buffer.from(json);
      changed[at] = json[at] === 0x7e ? 0x7d : 0x7e;
      const reader = new EventReader(name, BYTES);
      const verdict = reader.read(changed, 0, changed.length);
      expect(verdict === "whole" && reader.key === 1 && reader.seq === 2 && reader.timeUs === STAMP_US).toBe(false);
    }
  });

  test("re-serialized with other spaces is still read", () => {
    const pretty = Buffer.from(JSON.stringify(JSON.parse(payload(name, 7, 8, 9).toString()), undefined, 1));
    const reader = new EventReader(name, BYTES);
    expect(reader.read(pretty, 0, pretty.length)).toBe("whole");
    expect([reader.key, reader.seq, reader.timeUs]).toEqual([7, 8, 9]);
  });

  test("that is truncated, or stands where another one belongs, is corrupt", () => {
    const json = payload(name, 1, 2, 3);
    expect(new EventReader(name, BYTES).read(json, 0, json.length - 1)).toBe("corrupt");
    const text = textOf(json);
    const other = Buffer.from(
      json.toString().replace(JSON.stringify(text).slice(1, -1), `${text.slice(0, 33)} another`),
    );
    expect(new EventReader(name, BYTES).read(other, 0, other.length)).toBe("corrupt");
  });

  test("comes in a block as it comes alone, wherever the block begins", () => {
    const layout = layoutFor(name, BYTES);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 90 }), (seq, events) => {
        const block = new EventBlock(5, events, layout);
        // A block is stamped again and again.
        block.stamp(1, 1);
        block.stamp(seq, STAMP_US);
        const [size = "", ...body] = block.bytes.toString("latin1").split("\r\n");
        expect(Number.parseInt(size, 16)).toBe(body[0]?.length);
        const alone = Array.from({ length: events }, (_, index) =>
          payload(name, 5, seq + index, STAMP_US).toString("latin1"),
        );
        expect(dataOf(Buffer.from(body[0] ?? "", "latin1"))).toEqual(alone);
      }),
      { numRuns: 30 },
    );
  });

  test("is surrounded by events that are the edge of a stream", () => {
    const reader = new EventReader(name, BYTES);
    const edges = [...dataOf(leadIn(name, 12)), ...dataOf(ending(name, 12, 3))];
    expect(edges.map((data) => reader.readText(data))).toEqual(edges.map(() => "edge"));
    expect(edges.join("")).not.toMatch(/<(key|seq|count)>/);
  });
});

describe("the payload", () => {
  const pair = (name: PayloadName) =>
    [payload(name, 1, 1, 5), payload(name, 1, 2, 5)].map((json) => JSON.parse(json.toString()));

  test("openai has a new obfuscation in each event, and one id in each stream", () => {
    const [first, second] = pair("openai");
    expect(first.obfuscation).not.toBe(second.obfuscation);
    expect([first.id, first.created]).toEqual([second.id, second.created]);
    expect(JSON.parse(payload("openai", 2, 1, 5).toString()).id).not.toBe(first.id);
  });

  test("openai fills text and obfuscation up to a multiple of 16 characters", () => {
    const { variants } = layoutFor("openai", BYTES);
    const lengths = variants.map(({ json, pad }) => pad.length + JSON.parse(json.toString()).obfuscation.length);
    expect(lengths.filter((length) => length % 16 !== 0)).toEqual([]);
  });

  test("restless has a new id and a new time in each event", () => {
    const [first, second] = pair("restless");
    expect(first.id).not.toBe(second.id);
    expect(second.created).toBe(first.created + 1);
  });

  test("anthropic names its events", () => {
    expect(layoutFor("anthropic", BYTES).variants[0]?.sse.toString()).toMatch(/^event: content_block_delta\ndata: \{/);
  });

  test("fixed differs in nothing but its stamps", () => {
    const [first, second] = pair("fixed");
    expect({ ...first, choices: 0 }).toEqual({ ...second, choices: 0 });
    expect(layoutFor("fixed", BYTES).variants.map(({ sse }) => sse.length)).toEqual([230]);
  });
});

describe("anything else than an event", () => {
  test("is the edge of a stream, or foreign", () => {
    const reader = new EventReader("fixed", BYTES);
    expect(reader.readText("[DONE]")).toBe("edge");
    expect(reader.readText('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')).toBe("edge");
    expect(reader.readText('{"choices":[],"usage":{"prompt_tokens":1}}')).toBe("edge");
    expect(reader.readText('{"choices":[{"delta":{"content":"Hello"}}]}')).toBe("unstamped");
    expect(reader.readText('{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}')).toBe(
      "unstamped",
    );
  });
});
