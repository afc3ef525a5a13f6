import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { matchesName } from "../../../src/core/kernel/name-pattern.ts";

test.each([
  ["claude-*", "claude-opus-5", true],
  ["claude-*", "claude-", true],
  ["claude-*", "claude", false],
  ["*", "", true],
  ["gpt-5", "gpt-5", true],
  ["gpt-5", "gpt-5-mini", false],
  ["*-mini", "gpt-5-mini", true],
  ["a*b*c", "abc", true],
  ["a*bc", "abbc", true],
  ["ab*ba", "aba", false],
  ["a.c", "abc", false],
])("the pattern %s and the name %s: %s", (pattern, name, matches) => {
  expect(matchesName(pattern, name)).toBe(matches);
});

test("a pattern matches as the regular expression with .* for each * does", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
  fc.assert(
    fc.property(letters, name, (pattern, text) => {
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text);
      expect(matchesName(pattern, text)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});
