import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { DIALECTS } from "../../protocol/dialects.ts";
import type { Decoder, Dialect } from "../../src/core/dialect/dialect.ts";
import type { JsonObject, JsonValue } from "../../src/core/kernel/json.ts";
import { dialects } from "../../src/dialects/registry.ts";

/** One event of every kind that some dialect looks into. */
const samples: readonly JsonObject[] = [
  {
    type: "message_start",
    message: {
      content: [{ type: "tool_use", id: "t", name: "f", input: { a: 1 } }],
      stop_reason: "tool_use",
      usage: { input_tokens: 1, output_tokens_details: { thinking_tokens: 1 } },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "a", signature: "b" } },
  { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: "{" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" } },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } },
  { type: "error", error: { type: "api_error", message: "a" } },
  {
    choices: [
      {
        index: 0,
        delta: {
          content: [{ type: "thinking", thinking: [{ type: "text", text: "a" }] }],
          reasoning_content: "a",
          refusal: "a",
          tool_calls: [{ index: 0, id: "t", function: { name: "f", arguments: "{" } }],
        },
        finish_reason: "stop",
        usage: { prompt_tokens: 1 },
      },
    ],
    usage: { completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 1 }, prompt_tokens_details: {} },
    x_groq: { usage: { prompt_tokens: 1 } },
    error: { code: "a", message: "b" },
  },
  {
    type: "response.output_item.added",
    output_index: 0,
    item: { type: "function_call", call_id: "t", arguments: "{" },
  },
  { type: "response.output_text.delta", delta: "a" },
  { type: "response.function_call_arguments.delta", output_index: 0, delta: "{" },
  { type: "response.function_call_arguments.done", output_index: 0, arguments: "{}" },
  { type: "response.incomplete", response: { usage: { input_tokens: 1 }, incomplete_details: { reason: "a" } } },
  {
    candidates: [
      {
        index: 0,
        content: {
          parts: [
            { text: "a", thought: true, thoughtSignature: "b" },
            { functionCall: { id: "t", name: "f", args: { a: 1 }, partialArgs: [{ stringValue: "a" }] } },
            { inlineData: { mimeType: "image/png", data: "AA==" } },
            { executableCode: { language: "PYTHON", code: "a" } },
            { codeExecutionResult: { outcome: "OUTCOME_OK", output: "a" } },
          ],
        },
        groundingMetadata: { groundingChunks: [{ web: { uri: "https://a.example", title: "a" } }] },
        finishReason: "STOP",
      },
    ],
    promptFeedback: { blockReason: "SAFETY" },
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, thoughtsTokenCount: 1, totalTokenCount: 4 },
    responseId: "a",
    error: { code: "a", message: "b", status: "INTERNAL" },
  },
  { type: "response.failed", response: { error: { code: "a", message: "b" }, usage: { input_tokens_details: {} } } },
];

/** Every place in a value, as the keys that lead to it. */
const places = (value: unknown): string[][] =>
  typeof value === "object" && value !== null
    ? [[], ...Object.entries(value).flatMap(([key, inner]) => places(inner).map((path) => [key, ...path]))]
    : [[]];

function replaced(value: JsonValue, [key, ...rest]: readonly string[], by: JsonValue): JsonValue {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, JsonValue>;
  return Object.assign(copy, { [key]: replaced(copy[key] ?? null, rest, by) });
}

const value = fc.jsonValue() as fc.Arbitrary<JsonValue>;

/** A sample in which one field is whatever. */
const spoilt = fc
  .tuple(fc.constantFrom(...samples.flatMap((sample) => places(sample).map((path) => ({ sample, path })))), value)
  .map(([{ sample, path }, by]) => replaced(sample, path, by));

const name = fc.option(fc.constantFrom("error", "message_stop", "response.completed", "message"), { nil: undefined });

const event = fc.tuple(
  name,
  fc.oneof({ arbitrary: spoilt, weight: 8 }, { arbitrary: value, weight: 1 }, fc.constant(undefined)),
  fc.oneof(fc.string(), fc.constant("[DONE]")),
);

const replay = (decoder: Decoder, events: readonly [string | undefined, JsonValue | undefined, string][]) =>
  events.map(([name, data, text]) => decoder.read(name, data, text));

test("every dialect is listed under its own name", () => {
  expect([...dialects.keys()]).toEqual([...DIALECTS]);
  for (const [name, dialect] of dialects) expect(dialect.name).toBe(name);
});

describe.each([...dialects])("%s", (_, dialect: Dialect) => {
  test("decodes any events without throwing", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        for (const delta of replay(dialect.decoder(), events)) expect(typeof delta).toBe("object");
      }),
      { numRuns: 500 },
    );
  });

  test("returns only valid deltas: texts, integer positions, and counts that the wire contract allows", () => {
    const whole = (figure: number) => Number.isInteger(figure) && figure >= 0;
    const isText = (said: unknown) => typeof said === "string";
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        for (const delta of replay(dialect.decoder(), events)) {
          const { usage = {}, toolCalls = [], error = {}, complete = "now", otherCharacters = 0, ...rest } = delta;
          const { toolResults = [], sources = [], files = [], ...texts } = rest;
          expect([...sources, ...files].flatMap(Object.values).every(isText)).toBe(true);
          expect(toolResults.every(({ id }) => isText(id))).toBe(true);
          expect(whole(otherCharacters)).toBe(true);
          expect(Object.values({ ...texts, ...error }).every(isText)).toBe(true);
          expect(Object.values(usage).every(whole)).toBe(true);
          for (const { index, isProviders = true, ...call } of toolCalls) {
            expect([whole(index), isProviders, Object.values(call).every(isText)]).toEqual([true, true, true]);
          }
          expect(["open", "at_end", "whole", "now"]).toContain(complete);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("keeps no state from one stream to the next", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), (events) => {
        const first = replay(dialect.decoder(), events);
        expect(replay(dialect.decoder(), events)).toEqual(first);
      }),
    );
  });

  test("does not modify the caller's body and keeps all of its fields", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (body) => {
        const before = structuredClone(body);
        const built = dialect.body({ body, model: undefined });
        expect(body).toEqual(before);
        expect(built).toMatchObject({ ...before, ...("stream" in built && { stream: built.stream }) });
      }),
    );
  });
});
