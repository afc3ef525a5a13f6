import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromByteString, toByteString, utf8Length } from "../../../src/core/kernel/byte-string.ts";

describe("text as its bytes", () => {
  test("has a character for each byte of its UTF-8, and comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const bytes = toByteString(text);
        expect(bytes).toBe(Buffer.from(text, "utf8").toString("latin1"));
        expect(fromByteString(bytes)).toBe(text);
      }),
    );
  });

  test("is as long as the platform says", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => utf8Length(text) === Buffer.byteLength(text)));
    expect(utf8Length("a\ud800b\udc00")).toBe(8);
  });

  test("is the same text when that is ASCII", () => {
    expect(toByteString('100 % of "it"\n')).toBe('100 % of "it"\n');
    expect(fromByteString('100 % of "it"\n')).toBe('100 % of "it"\n');
  });

  test("replaces what is no character", () => {
    expect(fromByteString(toByteString("a\ud800b"))).toBe("a\ufffdb");
  });
});
