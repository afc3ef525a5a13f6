import { describe, expect, test } from "@jest/globals";
import type { JsonObject, JsonValue } from "../../../src/core/kernel/json.ts";
import { promptCharacters } from "../../../src/core/relay/prompt-size.ts";

const BASE64 = "iVBORw0KGgo".repeat(100_000);
const TEXT = "All work and no play. ".repeat(60_000);

/** What a picture counts: 1,600 tokens of four characters. */
const PICTURE = 6_400;

const user = (part: JsonValue): JsonObject => ({ messages: [{ role: "user", content: [part] }] });
const item = (part: JsonValue): JsonObject => ({ input: [{ role: "user", content: [part] }] });

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
