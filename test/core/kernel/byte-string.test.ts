import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromByteString, toByteString, utf8Length } from "../../../src/core/kernel/byte-string.ts";

describe("a byte string", () => {
  test("has one character per byte of UTF-8, and decodes to the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const bytes = toByteString(text);
        expect(bytes).toBe(Buffer.from(text, "utf8").toString("latin1"));
        expect(fromByteString(bytes)).toBe(text);
      }),
    );
  });

  test("is as long as Buffer.byteLength says", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => utf8Length(text) === Buffer.byteLength(text)));
    expect(utf8Length("a\ud800b\udc00")).toBe(8);
  });

  test("is the text itself if that is ASCII", () => {
    expect(toByteString('100 % of "it"\n')).toBe('100 % of "it"\n');
    expect(fromByteString('100 % of "it"\n')).toBe('100 % of "it"\n');
  });

  test("replaces lone surrogates", () => {
    expect(fromByteString(toByteString("a\ud800b"))).toBe("a\ufffdb");
  });
});
