import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readProviderError, sanitiseMessage } from "../../../src/core/dialect/provider-error.ts";

/** What a message may be longest: OpenClaw's schema allows 300 characters. */
const LONGEST = 300;

const text = fc.string({ unit: "binary", maxLength: 400 });
const letters = fc.stringMatching(/^[A-Za-z0-9]{24,60}$/);

describe("a provider's message", () => {
  test.each([
    "You exceeded your current quota, please check your plan and billing details.",
    "max_tokens: 9999999 > 8192, which is the maximum allowed number of output tokens for claude-sonnet-4-5-20250929",
    "日本語のメッセージ 🙂",
  ])("without secrets stays as it is: %s", (message) => {
    expect(sanitiseMessage(message)).toBe(message);
  });

  test("never shows a key, wherever it stands", () => {
    const prefix = fc.constantFrom("sk-", "sk-ant-api03-", "sk_live_", "pk-", "ghp_", "xoxb-", "Bearer ", "bearer  ");
    const around = fc.constantFrom("", "Incorrect API key provided: ", '{"key":"', "(", "key=");
    fc.assert(
      fc.property(around, prefix, letters, (before, start, secret) => {
        expect(sanitiseMessage(`${before}${start}${secret} is wrong`)).not.toContain(secret);
      }),
    );
  });

  test("never shows a long run of token characters, with or without a known prefix", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{40,80}$/), (secret) => {
        expect(sanitiseMessage(`rejected ${secret}!`)).not.toContain(secret);
      }),
    );
  });

  test("is one line without control or text-direction characters, and bounded", () => {
    fc.assert(
      fc.property(text, (message) => {
        const shown = sanitiseMessage(message);
        expect(shown).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        expect(shown.length).toBeLessThanOrEqual(LONGEST);
      }),
      { numRuns: 500 },
    );
  });

  test("says with an ellipsis that it was cut", () => {
    expect(sanitiseMessage("no ".repeat(200))).toMatch(/^(no )+.{0,2}…$/);
  });
});

describe("reading a provider's error", () => {
  test.each([
    ["nested", { error: { type: "overloaded_error", message: "busy" } }, { type: "overloaded_error", message: "busy" }],
    [
      "with a code",
      { error: { code: "rate_limit", message: "slow" } },
      { type: "rate_limit", code: "rate_limit", message: "slow" },
    ],
    ["Google's", { error: { code: 429, status: "RESOURCE_EXHAUSTED" } }, { type: "RESOURCE_EXHAUSTED", status: 429 }],
    ["as text", { error: "model not found" }, { message: "model not found" }],
    ["flat", { type: "api_error", message: "broke" }, { type: "api_error", message: "broke" }],
  ])("finds it %s", (_, value, expected) => {
    expect(readProviderError(value)).toEqual(expected);
  });

  test.each([[undefined], [null], [[]], ["busy"], [7], [{}], [{ error: {} }], [{ error: null }], [{ choices: [] }]])(
    "finds none in %j",
    (value) => {
      expect(readProviderError(value)).toBeUndefined();
    },
  );

  test("never throws, and everything it says is fit to be shown", () => {
    const field = fc.oneof(text, fc.jsonValue());
    const fields = { type: field, code: field, status: field, message: field };
    const inner = fc.record(fields, { requiredKeys: [] });
    const value = fc.record({ ...fields, error: fc.oneof(inner, text) }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(value, fc.jsonValue()), (any) => {
        const error = readProviderError(JSON.parse(JSON.stringify(any)));
        for (const said of Object.values(error ?? {})) expect(said).toBe(sanitiseMessage(said));
      }),
      { numRuns: 500 },
    );
  });
});
