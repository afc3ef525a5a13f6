import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MAX_JSON_DEPTH, parseClientJson } from "../../../src/core/kernel/json.ts";
import { CALLER_JSON, isTooHeavy, STRANGER_JSON } from "../../../src/core/kernel/json-weight.ts";
import { COSTLY_JSON, costlyConnect, LONG_TEXTS } from "../../support/recordings/costly-json.ts";

const isHeavy = (text: string, weight: number, depth = MAX_JSON_DEPTH) => isTooHeavy(text, { weight }, depth);

/** Whether it takes a look to know that a number keeps its digits. */
const isOdd = (number: string): boolean => number.includes("e") || number.replace(/\D/g, "").length > 15;

/** What a value weighs, found without regard to its text: what separates members, what holds them, and which keys are new. */
function weightOf(value: unknown, seen = new Set<string>()): number {
  if (typeof value === "number") return isOdd(String(value)) ? 5 : 0;
  if (typeof value !== "object" || value === null) return 0;
  const members = Object.entries(value);
  let weight = 1 + Math.max(0, members.length - 1);
  let shape = "";
  for (const [key, part] of members) {
    if (!Array.isArray(value)) {
      const written = JSON.stringify(key).slice(1, -1);
      const isShaped = !/^[\d\\]/.test(written) && written.length <= 64;
      shape = isShaped ? JSON.stringify([shape, key]) : "";
      if (!isShaped || !seen.has(shape)) weight += 4;
      if (isShaped) seen.add(shape);
    }
    weight += weightOf(part, seen);
  }
  return weight;
}

const call = (at: number, words: string) => [
  {
    role: "assistant",
    content: [
      { type: "text", text: words },
      { type: "tool_use", id: `toolu_${at}`, name: "read", input: { path: `src/${at}.ts`, offset: 1, limit: 200 } },
    ],
  },
  {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: `toolu_${at}`, content: [{ type: "text", text: words }], is_error: false },
    ],
  },
];
const property = { type: "string", description: "What it is", enum: ["a", "b", "c"], default: "a" };
const properties = (tool: number) =>
  Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`p${tool}_${at}`, property]));
const tool = (at: number) => ({
  name: `tool_${at}`,
  description: "What it does",
  input_schema: { type: "object", properties: properties(at), required: ["p"], additionalProperties: false },
});

describe("the weight of JSON", () => {
  test("counts members and new keys, whatever strings and white space it contains", () => {
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

  test("has a limit for each of its parts", () => {
    expect(isHeavy('[[["]]]"]]]', 100, 3)).toBe(false);
    expect(isHeavy('[[["]]]"]]]', 100, 2)).toBe(true);
    const keys = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join()}}`;
    expect(isHeavy(keys(10_000), 1e9)).toBe(false);
    expect(isHeavy(`[${keys(10_000)},${keys(10_000)}]`, 1e9)).toBe(false);
    expect(isHeavy(keys(10_001), 1e9)).toBe(true);
    expect(isHeavy(`[${"1".repeat(1_999_999)}]`, 1e9)).toBe(false);
    expect(isHeavy(`[${"1".repeat(2_000_001)}]`, 1e9)).toBe(true);
    expect(isHeavy(`[${" ".repeat(4_000_000)}]`, 1e9)).toBe(false);
    expect(isHeavy(`[${" ".repeat(4_000_001)}]`, 1e9)).toBe(true);
  });

  test.each([
    ["4,000 tool calls and their results", Array.from({ length: 4_000 }, (_, at) => call(at, "words")).flat()],
    ["150 tools with 60 properties of their own each", Array.from({ length: 150 }, (_, at) => tool(at))],
  ])("permits %s, indented or not", (_what, value) => {
    for (const indent of [undefined, 2])
      expect(parseClientJson(JSON.stringify(value, undefined, indent))).toEqual(value);
  });

  test.each([
    ["behind other keys", (at: number) => `"k${at}":1,"a":1`],
    ["that are numbers", () => '"4000000":1,"5000000":1'],
    ["that are numbers, escaped", () => '"\\u0034000000":1,"\\u0035000000":1'],
    ["that are long", () => `"${"a".repeat(65)}":1,"${"b".repeat(65)}":1`],
  ])("counts keys as new %s", (_what, keys) => {
    const text = `[${Array.from({ length: 100 }, (_, at) => `{${keys(at)}}`).join()}]`;
    // A list, 100 objects with a key more than one, and what parts them.
    const weight = 1 + 99 + 100 * 2 + 200 * 4;
    expect([isHeavy(text, weight), isHeavy(text, weight - 1)]).toEqual([false, true]);
  });

  test("counts the 33rd key of an object as new, even if seen before", () => {
    const text = JSON.stringify(
      Array(100).fill(Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`k${at}`, 1]))),
    );
    const weight = 1 + 99 + 100 * 33 + 32 * 4 + 100 * 4;
    expect([isHeavy(text, weight), isHeavy(text, weight - 1)]).toEqual([false, true]);
  });

  test("permits a conversation of 6,000 messages", () => {
    const message = { role: "user", content: [{ type: "text", text: 'say "hello", {please}: [1,2]' }] };
    const text = JSON.stringify({ model: "m", messages: Array(6_000).fill(message) });
    expect(parseClientJson(text)).toEqual(JSON.parse(text));
  });
});

describe("text that is far more expensive than its length suggests", () => {
  test.each(Object.entries(COSTLY_JSON))("is refused: %s", (_what, text) => {
    expect(isTooHeavy(text, CALLER_JSON, MAX_JSON_DEPTH)).toBe(true);
    expect(isTooHeavy(`{"body":${text}}`, CALLER_JSON, MAX_JSON_DEPTH)).toBe(true);
  });

  test.each(Object.entries(LONG_TEXTS))("is parsed if it is one long string: %s", (_what, text) => {
    expect(isTooHeavy(text, CALLER_JSON, MAX_JSON_DEPTH)).toBe(false);
  });

  test.each(["scopes", "caps"] as const)("is refused from unauthenticated clients: 29,000 %s", (field) => {
    expect(isTooHeavy(costlyConnect(field), STRANGER_JSON, MAX_JSON_DEPTH)).toBe(true);
  });
});
