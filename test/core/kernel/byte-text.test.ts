import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { fromByteText, toByteText, utf8Length } from "../../../src/core/kernel/byte-text.ts";

describe("text as its bytes", () => {
  test("has a character for each byte of its UTF-8, and comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const bytes = toByteText(text);
        expect(bytes).toBe(Buffer.from(text, "utf8").toString("latin1"));
        expect(fromByteText(bytes)).toBe(text);
      }),
    );
  });

  test("is as long as the platform says", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => utf8Length(text) === Buffer.byteLength(text)));
    expect(utf8Length("a\ud800b\udc00")).toBe(8);
  });

  test("is the same text when that is ASCII", () => {
    expect(toByteText('100 % of "it"\n')).toBe('100 % of "it"\n');
    expect(fromByteText('100 % of "it"\n')).toBe('100 % of "it"\n');
  });

  test("replaces what is no character", () => {
    expect(fromByteText(toByteText("a\ud800b"))).toBe("a\ufffdb");
  });
});
