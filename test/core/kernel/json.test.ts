import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  asArray,
  asNumber,
  asObject,
  asString,
  isDeeperThan,
  isObject,
  MAX_JSON_DEPTH,
  parseJson,
} from "../../../src/core/kernel/json.ts";

const nested = (depth: number, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);

/** The depth of a value, found without regard to any limit. */
const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe("parsing JSON", () => {
  test("returns any value that is not too deep", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("returns undefined for any other text, and never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expected = undefined;
        }
        expect(parseJson(text)).toEqual(expected);
      }),
    );
  });

  test("returns undefined for truncated JSON", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (value, cut) => {
        const text = JSON.stringify(value);
        expect(parseJson(text.slice(0, cut % text.length))).toBeUndefined();
      }),
    );
  });

  test("accepts 64 levels, but not 65", () => {
    expect(parseJson(nested(MAX_JSON_DEPTH))).toBeDefined();
    expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toBeUndefined();
    expect(parseJson(nested(MAX_JSON_DEPTH, '{"a":[', "]}"))).toBeUndefined();
  });

  test("survives a million levels", () => {
    expect(parseJson(nested(1_000_000))).toBeUndefined();
    expect(parseJson("[".repeat(1_000_000))).toBeUndefined();
  });
});

describe("the depth check", () => {
  test("agrees with the real depth for any value and limit", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat({ max: 8 }), (value, limit) => {
        expect(isDeeperThan(value, limit)).toBe(depthOf(value) > limit);
      }),
    );
  });

  test("is not deceived by a field named __proto__", () => {
    expect(isDeeperThan(JSON.parse('{"__proto__":{"a":{}}}'), 2)).toBe(true);
    expect(isDeeperThan(JSON.parse('{"__proto__":{"a":{}}}'), 3)).toBe(false);
  });
});

describe("a field asked for by type", () => {
  test("is returned if it has that type, else undefined", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(asString(value)).toBe(typeof value === "string" ? value : undefined);
        expect(asNumber(value)).toBe(Number.isFinite(value) ? value : undefined);
        expect(asObject(value)).toBe(isObject(value) ? value : undefined);
      }),
    );
  });

  test("is an object only if it is neither null nor an array", () => {
    expect([{}, [], null, undefined, "", 0].map(isObject)).toEqual([true, false, false, false, false, false]);
  });

  test("is an empty array if it is not an array", () => {
    const list = [1];
    expect(asArray(list)).toBe(list);
    for (const other of [null, undefined, {}, "ab", { length: 2 }]) expect(asArray(other)).toEqual([]);
  });
});
