import { describe, expect, test } from "@jest/globals";
import type { JsonObject, JsonValue } from "../../../src/core/kernel/json.ts";
import { promptCharacters } from "../../../src/core/relay/prompt-size.ts";
import { plainSse } from "../../../src/dialects/plain-sse.ts";

const BASE64 = "iVBORw0KGgo".repeat(100_000);
const TEXT = "All work and no play. ".repeat(60_000);

const user = (part: JsonValue): JsonObject => ({ messages: [{ role: "user", content: [part] }] });

describe("the size of a prompt", () => {
  test("counts letters beyond ASCII by their bytes, which are closer to one token each", () => {
    for (const [text, bytes] of [
      ["你好", 6],
      ["é", 2],
      ["👋", 4],
      ["\ud800", 3],
    ] as const) {
      expect(promptCharacters({ x: text }) - promptCharacters({ x: "" })).toBe(bytes);
    }
  });

  test("counts a text in full, whatever it looks like", () => {
    expect(promptCharacters({ content: BASE64 })).toBeGreaterThan(BASE64.length);
    expect(promptCharacters({ content: [{ type: "text", text: BASE64 }] })).toBeGreaterThan(BASE64.length);
  });
});

/** What frames a message or a call: four tokens. */
const FRAME = 16;
/** What begins the answer. */
const BEGIN = 12;
const schema = { type: "object", properties: { city: { type: "string", description: "a city" } } };
/** A schema as the gateway counts JSON: a comma more for each object. */
const SCHEMA = JSON.stringify(schema).length + 3;

/** A request of each dialect, and what its model reads. */
const READ: readonly [string, JsonObject, readonly string[], number][] = [
  [
    "anthropic-messages",
    {
      model: "claude",
      max_tokens: 1_024,
      stream: true,
      temperature: 0.7,
      metadata: { user_id: "user_1" },
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      tools: [
        { name: "weather", description: "Tells it.", input_schema: schema, cache_control: { type: "ephemeral" } },
      ],
      messages: [
        { role: "user", content: "How is it in Oslo?" },
        {
          role: "assistant",
          content: [
            { type: "text", text: "I look." },
            { type: "tool_use", id: "toolu_01A09q90qw90lq917835lq9", name: "weather", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_01A09q90qw90lq917835lq9", content: "snow", is_error: false },
          ],
        },
      ],
    },
    ["Be brief.", "weather", "Tells it.", "How is it in Oslo?", "I look.", "weather", "{}", "snow"],
    4,
  ],
  [
    "openai-chat",
    {
      model: "gpt",
      stream: true,
      stream_options: { include_usage: true },
      temperature: 1,
      max_completion_tokens: 300,
      tools: [
        { type: "function", function: { name: "weather", description: "Tells it.", parameters: schema, strict: true } },
      ],
      tool_choice: "auto",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "How is it in Oslo?" }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_abc", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
          ],
        },
        { role: "tool", tool_call_id: "call_abc", content: "snow" },
      ],
    },
    ["weather", "Tells it.", "Be brief.", "How is it in Oslo?", "weather", '{"city":"Oslo"}', "snow"],
    5,
  ],
  [
    "openai-responses",
    {
      model: "gpt",
      stream: true,
      store: false,
      include: ["reasoning.encrypted_content"],
      reasoning: { effort: "high", summary: "auto" },
      prompt_cache_key: "0199",
      instructions: "Be brief.",
      tools: [{ type: "function", name: "weather", description: "Tells it.", parameters: schema, strict: false }],
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "How is it in Oslo?" }] },
        {
          type: "function_call",
          id: "fc_1",
          call_id: "call_abc",
          name: "weather",
          arguments: "{}",
          status: "completed",
        },
        { type: "function_call_output", call_id: "call_abc", output: "snow" },
      ],
    },
    ["Be brief.", "weather", "Tells it.", "How is it in Oslo?", "weather", "{}", "snow"],
    3,
  ],
  [
    "google-gemini",
    {
      generationConfig: { temperature: 1, maxOutputTokens: 300 },
      systemInstruction: { parts: [{ text: "Be brief." }] },
      tools: [{ functionDeclarations: [{ name: "weather", description: "Tells it.", parameters: schema }] }],
      contents: [
        { role: "user", parts: [{ text: "How is it in Oslo?" }] },
        { role: "model", parts: [{ functionCall: { id: "1", name: "weather", args: {} } }] },
        { role: "user", parts: [{ functionResponse: { id: "1", name: "weather", response: {} } }] },
      ],
    },
    ["Be brief.", "weather", "Tells it.", "How is it in Oslo?", "weather", "{}", "weather", "{}"],
    4,
  ],
];

describe("a request counts what its model reads", () => {
  test.each(READ)(
    "of %s: texts, tools, their calls and results, and four tokens a message and a call",
    (_, body, texts, frames) => {
      expect(promptCharacters(body)).toBe(texts.join("").length + SCHEMA + frames * FRAME + BEGIN);
    },
  );

  test("and never nothing: the answer has to begin", () => {
    expect([{}, { messages: [] }, { input: "" }].map((body) => promptCharacters(body) >= BEGIN)).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("of a route whose events are not decoded: its whole JSON", () => {
    const [, body] = READ[0] ?? [];
    const size = JSON.stringify(body).length;
    expect(promptCharacters(body ?? {}, plainSse)).toBeGreaterThan(size);
    expect(promptCharacters(body ?? {}, plainSse)).toBeLessThan(size * 1.1);
  });

  test.each<[string, (text: string) => JsonObject]>([
    ["a role", (text) => ({ messages: [{ role: text, content: "" }] })],
    ["a role of Gemini", (text) => ({ contents: [{ role: text }] })],
    ["an id", (text) => ({ messages: [{ role: "tool", tool_call_id: text }] })],
    ["a type of a message", (text) => ({ input: [{ type: text }] })],
    ["a parameter", (text) => ({ user: text })],
    ["metadata", (text) => ({ metadata: { note: text } })],
    ["a name in metadata", (text) => ({ metadata: { [text]: "" } })],
    ["a list of parameters", (text) => ({ stop: [text] })],
  ])("in full, if it hides in %s", (_, body) => {
    expect(promptCharacters(body(TEXT)) - promptCharacters(body("user"))).toBeGreaterThanOrEqual(TEXT.length);
  });

  test("with numbers as long as they are", () => {
    const numbers = Array.from({ length: 1_000 }, (_, index) => 0.123456789012345 + index);
    expect(promptCharacters({ numbers })).toBeGreaterThan(JSON.stringify(numbers).length);
  });

  test.each<[string, (open: string, sealed: string) => JsonObject]>([
    ["Anthropic", (open, sealed) => user({ type: "thinking", thinking: open, signature: sealed })],
    [
      "Responses",
      (open, sealed) => ({
        input: [
          { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: open }], encrypted_content: sealed },
        ],
      }),
    ],
  ])("with reasoning of %s once, as shown or as sealed, whichever is longer", (_, body) => {
    const size = (open: number, sealed: number) => promptCharacters(body("x".repeat(open), "x".repeat(sealed)));
    expect(size(1_000, 10) - size(0, 0)).toBe(1_000);
    expect(size(10, 3_000) - size(0, 0)).toBe(3_000);
  });
});
