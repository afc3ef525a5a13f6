import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MAX_JSON_DEPTH, parseClientJson } from "../../../src/core/kernel/json.ts";
import { CALLER_JSON, isTooHeavy, STRANGER_JSON } from "../../../src/core/kernel/json-weight.ts";
import { COSTLY_JSON, costlyConnect, LONG_TEXTS } from "../../support/costly-json.ts";

const isHeavy = (text: string, weight: number, depth = MAX_JSON_DEPTH) => isTooHeavy(text, { weight }, depth);

/** What a value weighs, found without regard to its text: what separates members, and what holds them. */
function weightOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const members = Object.values(value);
  const keys = Array.isArray(value) ? 0 : members.length * 4;
  return 1 + Math.max(0, members.length - 1) + keys + members.reduce((sum: number, part) => sum + weightOf(part), 0);
}

describe("the weight of JSON", () => {
  test("is that of its members and keys, whatever its strings say and however it is laid out", () => {
    const strings = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', "\\", ",", "[", "}", ":", "a") }));
    const { value: values } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, strings, fc.double(), fc.constant(null), tie("list"), tie("object")),
      list: fc.array(tie("value"), { maxLength: 5 }),
      object: fc.dictionary(strings, tie("value"), { maxKeys: 5 }),
    }));
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const weight = weightOf(JSON.parse(text));
        expect(isHeavy(text, weight)).toBe(false);
        if (weight > 0) expect(isHeavy(text, weight - 1)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("is bounded in each direction by itself", () => {
    expect(isHeavy('[[["]]]"]]]', 100, 3)).toBe(false);
    expect(isHeavy('[[["]]]"]]]', 100, 2)).toBe(true);
    const keys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join()}}`;
    expect(isHeavy(keys(10_000), 1e9)).toBe(false);
    expect(isHeavy(`[${keys(10_000)},${keys(10_000)}]`, 1e9)).toBe(false);
    expect(isHeavy(keys(10_001), 1e9)).toBe(true);
    expect(isHeavy(`[${"1".repeat(1_999_999)}]`, 1e9)).toBe(false);
    expect(isHeavy(`[${"1".repeat(2_000_001)}]`, 1e9)).toBe(true);
  });

  test("of a conversation of 6,000 messages is borne", () => {
    const message = { role: "user", content: [{ type: "text", text: 'say "hello", {please}: [1,2]' }] };
    const text = JSON.stringify({ model: "m", messages: Array(6_000).fill(message) });
    expect(parseClientJson(text)).toEqual(JSON.parse(text));
  });
});

describe("what costs far more than its length", () => {
  test.each(Object.entries(COSTLY_JSON))("is not parsed: %s", (_what, text) => {
    expect(isTooHeavy(text, CALLER_JSON, MAX_JSON_DEPTH)).toBe(true);
    expect(isTooHeavy(`{"body":${text}}`, CALLER_JSON, MAX_JSON_DEPTH)).toBe(true);
  });

  test.each(Object.entries(LONG_TEXTS))("is parsed when it is one long text: %s", (_what, text) => {
    expect(isTooHeavy(text, CALLER_JSON, MAX_JSON_DEPTH)).toBe(false);
  });

  test.each(["scopes", "caps"] as const)("is not parsed of a stranger: 29,000 %s", (field) => {
    expect(isTooHeavy(costlyConnect(field), STRANGER_JSON, MAX_JSON_DEPTH)).toBe(true);
  });
});
