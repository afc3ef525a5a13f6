import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { fromByteString, toByteString } from "../../../src/core/kernel/byte-string.ts";
import { SseReader } from "../../../src/upstream/body/sse-reader.ts";
import { isSyntax, sseCases } from "../../support/recordings/sse-cases.ts";

interface Event {
  readonly type: string;
  readonly data: string;
}

const MIB = 1_048_576;

/** What a reader makes of these pieces, and of the body's end. Ids are not relayed, so only name and data are looked at. */
function read(pieces: readonly Uint8Array[], maxEventBytes = MIB) {
  const { reader, ...read } = begin(pieces, maxEventBytes);
  const { events } = read;
  const before = events.length;
  const { isCut, leftover } = reader.end();
  return { ...read, events: events.slice(0, before), last: events[before], isCut, leftover };
}

function begin(pieces: readonly Uint8Array[], maxEventBytes = MIB) {
  const events: Event[] = [];
  let malformed = 0;
  let tooLarge = false;
  const reader = new SseReader(maxEventBytes, {
    event: (name, data, bytes) => {
      expect(bytes).toBe(toByteString(data));
      if (!tooLarge) events.push({ type: fromByteString(name ?? "message"), data });
    },
    malformed: () => malformed++,
    tooLarge: () => {
      tooLarge = true;
    },
  });
  for (const piece of pieces) if (!tooLarge) reader.read(Buffer.from(piece).toString("latin1"));
  return {
    events,
    reader,
    get malformed() {
      return malformed;
    },
    get tooLarge() {
      return tooLarge;
    },
  };
}

function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const edges = [0, ...positions, bytes.length];
  return edges.slice(1).map((to, index) => bytes.subarray(edges[index], to));
}

const everyByte = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte));
const text = (source: string) => Buffer.from(source, "utf8");

describe.each(sseCases)("the syntax cases of $from", ({ cases }) => {
  if (!cases) test.skip("are read", () => {});

  for (const { title, bytes, events } of cases?.filter(isSyntax) ?? []) {
    test(`${title}, whole, byte by byte and cut at every position`, () => {
      expect(read([bytes]).events).toEqual(events);
      expect(read(everyByte(bytes)).events).toEqual(events);
      for (let at = 0; at <= bytes.length; at++) expect(read(cutAt(bytes, [at])).events).toEqual(events);
    });
  }
});

describe("any cut of any stream", () => {
  const line = fc.string({ unit: "binary" }).map((drawn) => drawn.replace(/[\r\n]/g, ""));
  const event = fc.record({
    name: fc.option(
      line.filter((name) => name !== ""),
      { nil: undefined },
    ),
    lines: fc.array(line, { minLength: 1, maxLength: 4 }),
    comment: fc.option(line, { nil: undefined }),
  });
  const stream = fc.record({
    events: fc.array(event, { maxLength: 6 }),
    lineEnds: fc.array(fc.constantFrom("\n", "\r", "\r\n"), { minLength: 1, maxLength: 5 }),
    bom: fc.boolean(),
    cuts: fc.array(fc.nat(), { maxLength: 12 }),
  });

  test("yields the events that were written", () => {
    fc.assert(
      fc.property(stream, ({ events, lineEnds, bom, cuts }) => {
        let ends = 0;
        const endLine = () => lineEnds[ends++ % lineEnds.length];
        let written = bom ? "\ufeff" : "";
        for (const { name, lines, comment } of events) {
          if (comment !== undefined) written += `:${comment}${endLine()}`;
          if (name !== undefined) written += `event: ${name}${endLine()}`;
          for (const data of lines) written += `data: ${data}${endLine()}`;
          // Never a bare CR before an LF of another line: the two would be one line end.
          written += written.endsWith("\r") ? "\r" : (endLine()?.replace("\r\n", "\n") ?? "\n");
        }
        const bytes = text(written);
        const positions = cuts.map((cut) => cut % (bytes.length + 1)).sort((left, right) => left - right);
        const expected = events.map(({ name, lines }) => ({ type: name ?? "message", data: lines.join("\n") }));
        expect(read(cutAt(bytes, positions)).events).toEqual(expected);
        expect(read(everyByte(bytes)).events).toEqual(expected);
      }),
    );
  });

  test("of arbitrary bytes yields what the uncut stream yields", () => {
    const syntax = ["data", "event", "id", ":", ": ", " ", "\n", "\r", "\n\n", "\r\n", "\ufeff", "é", "{"].map(text);
    const piece = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...syntax) }, fc.uint8Array({ maxLength: 4 }));
    const bodies = fc.array(piece, { maxLength: 60 }).map((pieces) => Buffer.concat(pieces));
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
        const positions = cuts.map((cut) => cut % (bytes.length + 1)).sort((left, right) => left - right);
        const { events } = read([bytes]);
        expect(read(cutAt(bytes, positions)).events).toEqual(events);
        expect(read(everyByte(bytes)).events).toEqual(events);
      }),
    );
  });
});

test("an event beyond ASCII is decoded, and its neighbours in the chunk are taken as they are", () => {
  const events: string[] = [];
  const reader = new SseReader(MIB, {
    event: (_name, data) => events.push(data),
    malformed: () => undefined,
    tooLarge: () => undefined,
  });
  const chunk = text("data: one\n\ndata: zwölf\n\nevent: x\ndata: two\n\n").toString("latin1");
  const copy = jest.spyOn(Buffer.prototype, "write");
  try {
    reader.read(chunk);
    expect(copy).toHaveBeenCalledTimes(1);
  } finally {
    copy.mockRestore();
  }
  expect(events).toEqual(["one", "zwölf", "two"]);
});

test("an event beyond ASCII larger than most is decoded, and so is one that contains U+FFFD itself", () => {
  const seen: { readonly data: string; readonly bytes: string }[] = [];
  const malformed = jest.fn();
  const reader = new SseReader(MIB, {
    event: (_name, data, bytes) => seen.push({ data, bytes }),
    malformed,
    tooLarge: () => undefined,
  });
  const events = ["ü".repeat(40_000), "\ufffd", "zwölf"];
  for (const event of events) reader.read(toByteString(`data: ${event}\n\n`));
  expect(seen).toEqual(events.map((data) => ({ data, bytes: toByteString(data) })));
  expect(malformed).not.toHaveBeenCalled();
});

describe("malformed UTF-8", () => {
  const bytes = Buffer.concat([text("data: a"), Buffer.from([0xc3, 0x28, 0xf0, 0x9f, 0x98]), text("b\n\n")]);

  test("is replaced as the Encoding Standard requires, and reported", () => {
    const { events, malformed } = read([bytes]);
    expect(events).toEqual([{ type: "message", data: "a\ufffd(\ufffdb" }]);
    expect(events[0]?.data).toBe(new TextDecoder().decode(bytes.subarray(6, -2)));
    expect(malformed).toBe(1);
  });

  test("yields the same text wherever it is cut", () => {
    for (let at = 0; at <= bytes.length; at++) {
      const { events, malformed } = read(cutAt(bytes, [at]));
      expect(events).toEqual([{ type: "message", data: "a\ufffd(\ufffdb" }]);
      expect(malformed).toBeGreaterThan(0);
    }
  });

  test("is not reported for characters that were only cut", () => {
    expect(read(everyByte(text("data: é€😀\n\n")))).toMatchObject({ events: [{ data: "é€😀" }], malformed: 0 });
  });
});

describe("the size limit", () => {
  const limit = 64;

  test("accepts an event of exactly that size, however it is cut", () => {
    const bytes = text(`data: ${"x".repeat(limit)}\n\n`);
    expect(read([bytes], limit)).toMatchObject({ tooLarge: false, events: [{ data: "x".repeat(limit) }] });
    expect(read(everyByte(bytes), limit)).toMatchObject({ tooLarge: false, events: [{ data: "x".repeat(limit) }] });
  });

  test("counts bytes, not characters", () => {
    const bytes = text(`data: ${"€".repeat(22)}\n\n`);
    expect(read([bytes], 66).tooLarge).toBe(false);
    expect(read([bytes], 65).tooLarge).toBe(true);
  });

  test("stops at a larger event after the ones before it", () => {
    const bytes = text(`data: small\n\ndata: ${"x".repeat(limit + 1)}\n\ndata: after\n\n`);
    expect(read([bytes], limit)).toMatchObject({ tooLarge: true, events: [{ data: "small" }] });
  });

  test("stops a line that never ends", () => {
    const pieces = [text("data: "), ...Array.from({ length: 20 }, () => text("x".repeat(16)))];
    expect(read(pieces, limit)).toMatchObject({ tooLarge: true, events: [] });
  });

  test("stops an event of many small lines", () => {
    const pieces = Array.from({ length: 40 }, () => text("data: xxxx\n"));
    expect(read(pieces, limit)).toMatchObject({ tooLarge: true, events: [] });
  });

  test("buffers nothing of an endless comment", () => {
    const pieces = [text(": "), ...Array.from({ length: 20 }, () => text("x".repeat(16))), text("\ndata: on\n\n")];
    expect(read(pieces, limit)).toMatchObject({ tooLarge: false, events: [{ data: "on" }] });
  });
});

describe("unframed text at the end", () => {
  const failure = '{"error":{"code":503,\n  "message":"busy"}}';

  test("is returned if a list stands alone in the body", () => {
    const list = `[${failure}]`;
    for (let at = 0; at <= list.length; at++) expect(read(cutAt(text(list), [at])).leftover).toBe(list);
  });

  test("is returned if it looks like JSON, wherever it is cut", () => {
    const bytes = text(`data: one\n\n${failure}\n\n`);
    for (let at = 0; at <= bytes.length; at++) expect(read(cutAt(bytes, [at])).leftover).toBe(failure);
    expect(read(everyByte(bytes)).leftover).toBe(failure);
  });

  test("is undefined if the stream ended cleanly or inside an event", () => {
    expect(read([text('data: {"a":1}\n\n')]).leftover).toBeUndefined();
    expect(read([text('data: one\n\ndata: {"a"')]).leftover).toBeUndefined();
    expect(read([text("data: one\n\ndata: "), text('{"a"')]).leftover).toBeUndefined();
  });

  test("is dropped when an event follows", () => {
    expect(read([text(`${failure}\n`), text("\ndata: on\n\n")]).leftover).toBeUndefined();
  });

  test("is kept up to 64 KiB", () => {
    const pieces = [text("{"), ...Array.from({ length: 200 }, () => text(" ".repeat(1024))), text("}")];
    expect(read(pieces).leftover?.length).toBeLessThanOrEqual(66 * 1024);
  });
});
