import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../src/core/kernel/json.ts";
import { promptCharacters } from "../../../src/core/relay/prompt-size.ts";

const BASE64 = "iVBORw0KGgo".repeat(100_000);
const TEXT = "All work and no play. ".repeat(60_000);

/** What a picture counts: 1,600 tokens of four characters. */
const PICTURE = 6_400;

const user = (part: JsonValue): JsonObject => ({ messages: [{ role: "user", content: [part] }] });
const item = (part: JsonValue): JsonObject => ({ input: [{ role: "user", content: [part] }] });

describe("the size of a prompt", () => {
  test("is about the size of its JSON", () => {
    const body = { model: "m", messages: [{ role: "user", content: "tell me a story" }], n: 1, stream: true };
    const size = JSON.stringify(body).length;
    expect(Math.abs(promptCharacters(body) - size)).toBeLessThan(size / 10);
  });

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

const anthropicImage = (data: string, media_type = "image/png") => ({
  type: "image",
  source: { type: "base64", media_type, data },
});

/** Where each dialect has its pictures. */
const PICTURES: readonly [string, (data: string) => JsonObject][] = [
  ["a message of Anthropic", (data) => user(anthropicImage(data))],
  [
    "a tool's result of Anthropic",
    (data) => user({ type: "tool_result", tool_use_id: "t", content: [anthropicImage(data)] }),
  ],
  ["a chat completion", (data) => user({ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } })],
  [
    "a chat completion of a server that wants a plain text",
    (data) => user({ type: "image_url", image_url: `data:image/png;base64,${data}` }),
  ],
  ["a response", (data) => item({ type: "input_image", image_url: `data:image/png;base64,${data}` })],
  [
    "a tool's output in a response",
    (data) => ({
      input: [
        {
          type: "function_call_output",
          call_id: "c",
          output: [{ type: "input_image", image_url: `data:image/png;base64,${data}` }],
        },
      ],
    }),
  ],
  [
    "a screenshot in a response",
    (data) => ({
      input: [
        {
          type: "computer_call_output",
          call_id: "c",
          output: { type: "computer_screenshot", image_url: `data:image/png;base64,${data}` },
        },
      ],
    }),
  ],
];

describe("a picture", () => {
  test.each(PICTURES)("in %s counts as a picture, not by its bytes", (_, body) => {
    const around = promptCharacters(body(""));
    expect(promptCharacters(body(BASE64)) - around).toBeGreaterThan(PICTURE - 50);
    expect(promptCharacters(body(BASE64)) - around).toBeLessThanOrEqual(PICTURE);
  });

  test.each(PICTURES)("in %s counts by its length if it is small", (_, body) => {
    expect(promptCharacters(body("A".repeat(400))) - promptCharacters(body(""))).toBe(400);
  });

  test.each<[string, JsonObject]>([
    ["Anthropic", user({ type: "image", source: { type: "url", url: "https://example.com/a.png" } })],
    ["chat completions", user({ type: "image_url", image_url: { url: "https://example.com/a.png" } })],
    ["responses", item({ type: "input_image", image_url: "https://example.com/a.png" })],
  ])("given to %s as a URL counts as a picture, however short the URL is", (_, body) => {
    expect(promptCharacters(body)).toBeGreaterThan(PICTURE);
    expect(promptCharacters(body)).toBeLessThan(PICTURE + 200);
  });
});

describe("a document", () => {
  const MEGABYTE = "A".repeat((1_048_576 * 4) / 3);
  /** 3,000 tokens for each 50,000 bytes, in characters. */
  const BY_BYTES = (1_048_576 / 50_000) * 12_000;

  test.each<[string, (data: string) => JsonObject]>([
    [
      "Anthropic",
      (data) => user({ type: "document", source: { type: "base64", media_type: "application/pdf", data } }),
    ],
    [
      "chat completions",
      (data) => user({ type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${data}` } }),
    ],
    [
      "responses",
      (data) => item({ type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${data}` }),
    ],
  ])("of %s counts by its bytes, and at least one page", (_, body) => {
    const around = promptCharacters(body(""));
    expect(promptCharacters(body(MEGABYTE)) - around).toBeGreaterThan(BY_BYTES * 0.99);
    expect(promptCharacters(body(MEGABYTE)) - around).toBeLessThan(BY_BYTES * 1.01);
    expect(promptCharacters(body("A".repeat(20_000))) - around).toBeGreaterThan(12_000 - 50);
  });

  test.each<[string, JsonObject]>([
    ["Anthropic", user({ type: "document", source: { type: "url", url: "https://example.com/a.pdf" } })],
    ["responses", item({ type: "input_file", file_url: "https://example.com/a.pdf" })],
  ])("given to %s as a URL counts as one page", (_, body) => {
    expect(promptCharacters(body)).toBeGreaterThan(12_000);
    expect(promptCharacters(body)).toBeLessThan(12_200);
  });

  test("made of content blocks counts its blocks", () => {
    const content = [{ type: "text", text: TEXT }, anthropicImage(BASE64)];
    const size = promptCharacters(user({ type: "document", source: { type: "content", content } }));
    expect(size).toBeGreaterThan(TEXT.length + PICTURE);
    expect(size).toBeLessThan(TEXT.length + PICTURE + 400);
  });
});

test("a recording counts one token per 400 bytes", () => {
  const data = "A".repeat(400_000);
  const size = promptCharacters(user({ type: "input_audio", input_audio: { data, format: "mp3" } }));
  expect(size).toBeGreaterThan(3_000);
  expect(size).toBeLessThan(3_200);
});

describe("text counts by its length", () => {
  const tool = (input: JsonValue): JsonObject => ({
    messages: [{ role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input }] }],
  });
  const picture = anthropicImage(TEXT);

  test.each<[string, JsonObject]>([
    ["as a document of plain text", user({ type: "document", source: { type: "text", data: TEXT } })],
    [
      "as base64 of plain text",
      user({ type: "document", source: { type: "base64", media_type: "text/plain", data: TEXT } }),
    ],
    ["as base64 of nothing said", user({ type: "image", source: { type: "base64", data: TEXT } })],
    ["as a drawing made of text", user(anthropicImage(TEXT, "image/svg+xml"))],
    ["as a picture of an unknown kind", user(anthropicImage(TEXT, "image/png; not really"))],
    ["beside a picture", user({ ...anthropicImage(BASE64), note: TEXT })],
    ["in a picture's media type", user(anthropicImage("", `image/png;${TEXT}`))],
    ["as a tool's input named data", tool({ data: TEXT })],
    ["as a tool's input named url", tool({ url: TEXT })],
    ["as a tool's input named file_data", tool({ file_data: TEXT })],
    ["as a tool's input that looks like a picture", tool(picture)],
    ["as a tool's input that looks like a conversation", tool({ messages: [{ role: "user", content: [picture] }] })],
    ["as a tool's input that looks like an item", tool([{ role: "user", content: [picture] }])],
    [
      "as a tool's input that looks like a data URL",
      tool({ type: "image_url", image_url: { url: `data:image/png;base64,${TEXT}` } }),
    ],
    ["in a tool's schema", { tools: [{ name: "f", input_schema: { type: "object", default: picture } }] }],
    ["as a system prompt that looks like a picture", { system: [picture] }],
    ["in metadata", { metadata: picture }],
    ["in a message beside its content", { messages: [{ role: "user", content: "", picture }] }],
    ["under a text's type", user({ type: "text", text: "", image_url: { url: `data:image/png;base64,${TEXT}` } })],
    ["as a data URL of text", user({ type: "image_url", image_url: { url: `data:text/plain;base64,${TEXT}` } })],
    ["as a data URL without base64", user({ type: "image_url", image_url: { url: `data:image/png,${TEXT}` } })],
    ["as a file of plain text", item({ type: "input_file", file_data: `data:text/plain;base64,${TEXT}` })],
    ["as a file of nothing said", item({ type: "input_file", file_data: TEXT })],
    ["as an address", user({ type: "image_url", image_url: { url: `https://example.com/?q=${TEXT}` } })],
    ["as an address of another kind", user({ type: "image_url", image_url: { url: `ftp://${TEXT}` } })],
    [
      "as an address of Anthropic",
      user({ type: "image", source: { type: "url", url: `https://example.com/${TEXT}` } }),
    ],
    ["as a recording of an unknown kind", user({ type: "input_audio", input_audio: { data: TEXT, format: "txt" } })],
    ["as a call's arguments", { input: [{ type: "function_call", name: "f", arguments: TEXT }] }],
    ["as a call's input", { input: [{ type: "custom_tool_call", name: "f", input: TEXT }] }],
    ["as a whole input", { input: TEXT }],
  ])("%s", (_, body) => {
    expect(promptCharacters(body)).toBeGreaterThan(TEXT.length);
  });
});

/** Any JSON made of texts and of the names that mean something somewhere. */
const names = fc.constantFrom(
  ..."type source data url image_url file_data media_type content input messages output text image".split(" "),
);
const { value: anything } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom("image", "base64", "tool_use", "input_image", "x".repeat(20_000)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4 }),
  ),
}));

test("anything that is not a file counts at least its length, however it is nested", () => {
  fc.assert(
    fc.property(anything, (value) => {
      const text = JSON.stringify(value);
      // No media type, no data URL and no address is among the texts.
      expect(promptCharacters({ messages: [value], input: [value], tools: value })).toBeGreaterThan(text.length * 2.5);
    }),
  );
});
