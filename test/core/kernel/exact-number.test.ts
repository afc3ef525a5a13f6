import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isExactNumber, numberOf } from "../../../src/core/kernel/exact-number.ts";
import { isObject, parseRelayedJson } from "../../../src/core/kernel/json.ts";

const again = (text: string): string | undefined => {
  const value = parseRelayedJson(text);
  return value === undefined ? undefined : JSON.stringify(value);
};

describe("a relayed number keeps its digits", () => {
  test.each([
    "9007199254740993",
    "-9223372036854775808",
    "18446744073709551615",
    "2512292042121000001",
    "1.0",
    "-0",
    "-0.0",
    "0.10",
    "1e308",
    "1E5",
    "1.7976931348623157e+308",
    "1e400",
    "1e-400",
    "0.0000001",
    "0.30000000000000004",
    "0.123456789012345678901234567890",
    "123456789012345678901234567890",
    "100000000000000000000000",
  ])("%s", (number) => {
    expect(again(number)).toBe(number);
    expect(again(`{"a":[${number},{"b":${number}}],"c":"1.0"}`)).toBe(`{"a":[${number},{"b":${number}}],"c":"1.0"}`);
  });

  test("however a number is written", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 24 });
    const whole = digits.map((text) => text.replace(/^0+(?=\d)/, ""));
    const fraction = fc.option(digits, { nil: undefined });
    const exponent = fc.option(
      fc.tuple(
        fc.constantFrom("e", "E", "e+", "E-"),
        digits.map((text) => text.slice(0, 3)),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(fc.boolean(), whole, fraction, exponent, (isNegative, integer, decimals, power) => {
        const number =
          (isNegative ? "-" : "") +
          integer +
          (decimals === undefined ? "" : `.${decimals}`) +
          (power === undefined ? "" : power.join(""));
        expect(again(`[${number}]`)).toBe(`[${number}]`);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("relayed JSON", () => {
  test("is taken exactly where JSON.parse takes it, whatever stands in the text", () => {
    const piece = fc.constantFrom(
      "1.0",
      "-",
      "1e5",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"1.0"',
      " ",
      "true",
      "1",
      "\\",
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const text = pieces.join("");
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect([text, parseRelayedJson(text) !== undefined]).toEqual([text, isJson]);
      }),
      { numRuns: 20_000 },
    );
  });

  test("of any value is that value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(again(text)).toBe(text);
      }),
    );
  });

  test("does not take a number for a key", () => {
    expect(parseRelayedJson("{1.0:2}")).toBeUndefined();
  });

  test("keeps a key __proto__, and no object learns of it", () => {
    for (const text of [
      '{"a":{"__proto__":{"isAdmin":true}}}',
      '{"__proto__":1.0}',
      '{"constructor":{"prototype":{}}}',
    ]) {
      expect(again(text)).toBe(text);
      const value = parseRelayedJson(text);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      // As faces and dialects copy it.
      expect(JSON.stringify(isObject(value) ? { ...value } : value)).toBe(text);
    }
    expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
  });

  test("that holds an object like an exact number holds an object", () => {
    const value = parseRelayedJson('{"rawJSON":"1.0"}');
    expect(isExactNumber(value)).toBe(false);
    expect(again('{"rawJSON":"1.0"}')).toBe('{"rawJSON":"1.0"}');
  });
});

test("an exact number has a value", () => {
  const [value] = [parseRelayedJson("4096.0")];
  expect(isExactNumber(value)).toBe(true);
  expect(numberOf(value)).toBe(4096);
  expect([numberOf(7), numberOf("7"), numberOf(null), numberOf({})]).toEqual([7, undefined, undefined, undefined]);
});
