import { describe, expect, test } from "@jest/globals";
import { fromByteString } from "../../../src/core/kernel/byte-string.ts";
import { SseReader } from "../../../src/upstream/body/sse-reader.ts";

/** What a reader tells of a body that ends in order: its events, and whether it ended inside one. */
function read(...pieces: readonly (string | Uint8Array)[]) {
  const events: (readonly [name: string | undefined, data: string])[] = [];
  let malformed = 0;
  const reader = new SseReader(1_024, {
    event: (name, data) => events.push([name === undefined ? undefined : fromByteString(name), data]),
    malformed: () => malformed++,
    tooLarge: () => {
      throw new Error("too large");
    },
  });
  for (const piece of pieces) reader.read(Buffer.from(piece).toString("latin1"));
  return { events, isCut: reader.end().isCut, malformed };
}

const before = "data: one\n\n";

describe("an event that lacks its blank line at the end of the body", () => {
  test.each<[string, string, string | undefined, string]>([
    ["without any line end", 'data: {"a":1}', undefined, '{"a":1}'],
    ["with an LF", 'data: {"a":1}\n', undefined, '{"a":1}'],
    ["with a CR", 'data: {"a":1}\r', undefined, '{"a":1}'],
    ["with a CRLF", 'data: {"a":1}\r\n', undefined, '{"a":1}'],
    ["with a name", 'event: stop\ndata: {"a":1}', "stop", '{"a":1}'],
    ["with its name last", 'data: {"a":1}\nevent: stop\n', "stop", '{"a":1}'],
    ["of several lines", 'data: {"a":\ndata: 1}', undefined, '{"a":\n1}'],
    ["before a comment", 'data: {"a":1}\n: keep-alive\n', undefined, '{"a":1}'],
    ["before a comment that is cut", 'data: {"a":1}\n: keep-al', undefined, '{"a":1}'],
    ["before a field that belongs to no event", 'data: {"a":1}\nretry: 10', undefined, '{"a":1}'],
    ["that is the end marker", "data: [DONE]", undefined, "[DONE]"],
    ["that is the end marker without its space", "data:[DONE]", undefined, "[DONE]"],
    ["of text, whose line has its end", "data: hello\n", undefined, "hello"],
    ["of text in brackets, whose line has its end", "data: [info] hello\n", undefined, "[info] hello"],
    ["of JSON with a brace in a string", 'data: {"a":"}\\"{"}', undefined, '{"a":"}\\"{"}'],
    ["of a JSON string", 'data: "a"', undefined, '"a"'],
    ["of JSON with a value that is none", 'data: {"a":NaN}', undefined, '{"a":NaN}'],
    ["beyond ASCII", 'event: é\ndata: {"a":"日本"}', "é", '{"a":"日本"}'],
  ])("%s is emitted", (_what, end, name, data) => {
    const events = [
      [undefined, "one"],
      [name, data],
    ];
    expect(read(before + end)).toEqual({ events, isCut: false, malformed: 0 });
    expect(read(...Array.from(Buffer.from(before + end), (byte) => Uint8Array.of(byte)))).toEqual({
      events,
      isCut: false,
      malformed: 0,
    });
  });

  test("is emitted if it is the only one, after a byte order mark", () => {
    expect(read('\ufeffdata: {"a":1}')).toEqual({ events: [[undefined, '{"a":1}']], isCut: false, malformed: 0 });
  });
});

describe("a body that ends inside an event", () => {
  test.each([
    ["in its JSON", 'data: {"a":'],
    ["in its JSON, behind a line end", 'data: {"a":\n'],
    ["in its JSON, behind a CR", 'data: {"a":\r'],
    ["in a string of its JSON", 'data: {"a":"}'],
    ["behind a backslash", 'data: {"a":"\\'],
    ["in a text", "data: hel"],
    ["in a number, perhaps", "data: 12"],
    ["in the end marker", "data: [DON"],
    ["before its data", "data:"],
    ["in the name of a field", 'data: {"a":1}\ndat'],
    ["in a further line", 'data: {"a":1}\ndata: {"b"'],
    ["in a name behind the data", 'data: {"a":1}\nevent: sto'],
    ["behind its name", "event: stop\n"],
    ["in its name", "event: sto"],
    ["behind its id", "id: 7\n"],
    ["in its id", 'data: {"a":1}\nid: 7'],
    ["in a bare field name", "da"],
    ["in a raw JSON value", '{"error":{"mess'],
  ])("%s is reported as cut, and the event is not emitted", (_where, end) => {
    expect(read(before + end)).toEqual({ events: [[undefined, "one"]], isCut: true, malformed: 0 });
  });

  test("in a character beyond ASCII is cut, but not malformed", () => {
    const end = Buffer.from(`${before}data: {"a":"é`).subarray(0, -1);
    expect(read(end)).toEqual({ events: [[undefined, "one"]], isCut: true, malformed: 0 });
  });
});

describe("a body that ends between two events", () => {
  test.each([
    ["with a blank line", ""],
    ["with many", "\n\r\n\r\r"],
    ["with a comment", ": bye\n"],
    ["in a comment", ": by"],
    ["at the colon of a comment", ":"],
    ["with a reconnection time", "retry: 10"],
    ["with text that no event stream has", "oops"],
  ])("%s is not cut", (_how, end) => {
    expect(read(before + end)).toEqual({ events: [[undefined, "one"]], isCut: false, malformed: 0 });
  });

  test("is not cut if it is empty or only a byte order mark", () => {
    expect(read()).toEqual({ events: [], isCut: false, malformed: 0 });
    expect(read("\ufeff")).toEqual({ events: [], isCut: false, malformed: 0 });
  });
});

test("a JSON event that is cut at any position is either emitted complete or reported as cut", () => {
  const event = 'id: 7\r\nevent: stop\r\ndata: {"a":["é\\"",{"b":-1.5}]}\r\n\r\n';
  const bytes = Buffer.from(event);
  const whole = ["stop", '{"a":["é\\"",{"b":-1.5}]}'];
  for (let at = 1; at <= bytes.length; at++) {
    const { events, isCut } = read(bytes.subarray(0, at));
    expect([at, events.length]).toEqual([at, isCut ? 0 : 1]);
    if (!isCut) expect(events).toEqual([whole]);
  }
});
