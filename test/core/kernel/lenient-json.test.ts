import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseLenientJson } from "../../../src/core/kernel/lenient-json.ts";

describe("JSON with a fault that leaves no doubt", () => {
  test.each<[string, string, unknown]>([
    ["a raw control character", '{"a":"x\u0001y\tz\u0000"}', { a: "x\u0001y\tz\u0000" }],
    ["a backslash that escapes nothing", '{"a":"it\\\'s \\x1b \\u12"}', { a: "it\\'s \\x1b \\u12" }],
    ["NaN and infinities", '{"a":NaN,"b":[Infinity,-Infinity,+Infinity]}', { a: null, b: [null, null, null] }],
    ["words of Python and JavaScript", "[None,True,False,undefined]", [null, true, false, null]],
    ["commas too many", '{"a":[1,2, ],"b":{"c":1,},}', { a: [1, 2], b: { c: 1 } }],
    ["all of them at once", '{"a":"\u001f\\q","b":[NaN,],}', { a: "\u001f\\q", b: [null] }],
  ])("is read: %s", (_, text, value) => {
    expect(parseLenientJson(text)).toEqual(value);
  });

  test("keeps what looks like a fault inside a string", () => {
    const text = '{"a":"NaN, } None,]\\"True","b":NaN}';
    expect(parseLenientJson(text)).toEqual({ a: 'NaN, } None,]"True', b: null });
  });

  test.each([
    '{"a":"lost',
    "{}{}",
    "{'a':1}",
    "Hello",
    "",
    '"text"',
    "NaN",
    '{"a":}',
    `${"[".repeat(70)}NaN${"]".repeat(70)}`,
  ])("is not guessed: %s", (text) => {
    expect(parseLenientJson(text)).toBeUndefined();
  });

  test("of more than 256 KiB is left alone", () => {
    expect(parseLenientJson(`{"a":"${"x".repeat(262_200)}","b":NaN}`)).toBeUndefined();
  });
});

test("JSON without a fault means what it means", () => {
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), (value) => {
      const text = JSON.stringify(value);
      expect(parseLenientJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("texts with raw control characters come out as they went in", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const raw = JSON.stringify({ text }).replace(/\\u(00[01][0-9a-f])/g, (_, code) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      );
      // An escaped backslash before such letters is no escape of theirs.
      fc.pre(!JSON.stringify(text).includes("\\\\u00"));
      expect(parseLenientJson(raw)).toEqual({ text });
    }),
  );
});

test("no text makes it throw", () => {
  const piece = fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", "NaN", "None", "\u0001", "a", ":", " ", "1");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      parseLenientJson(`{${pieces.join("")}`);
    }),
  );
});
