import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../src/core/kernel/json.ts";
import { promptCharacters } from "../../../src/core/relay/prompt-size.ts";

const BASE64 = "iVBORw0KGgo".repeat(100_000);
const TEXT = "All work and no play. ".repeat(60_000);

const user = (part: JsonValue): JsonObject => ({ messages: [{ role: "user", content: [part] }] });
const item = (part: JsonValue): JsonObject => ({ input: [{ role: "user", content: [part] }] });

const anthropicImage = (data: string, media_type = "image/png") => ({
  type: "image",
  source: { type: "base64", media_type, data },
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

/** Strings that the places of a dialect's own words hold at most. */
const MAX_SETTING = 512;

/** Any JSON made of texts and of the names that mean something somewhere. */
const names = fc.constantFrom(
  ...(
    "type source data url image_url file_data media_type content input messages output text image role id metadata " +
    "function tool_calls parts functionCall inlineData arguments"
  ).split(" "),
);
const { value: anything } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom("image", "base64", "text", "tool_use", "input_image", "function_call", "x".repeat(20_000)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4 }),
  ),
}));

/** The characters of all texts that are too long for a role, an id or a parameter. */
function longTexts(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length > MAX_SETTING ? value.length : 0;
  return typeof value === "object" && value !== null
    ? Object.values(value).reduce<number>((sum, item) => sum + longTexts(item), 0)
    : 0;
}

test("no long text that is not a file is lost, however it is nested", () => {
  fc.assert(
    fc.property(anything, (value) => {
      // No media type, no data URL and no address is among the texts.
      const body = {
        messages: [value],
        input: [value],
        contents: [value],
        system: value,
        tools: value,
        metadata: value,
      };
      expect(promptCharacters(body)).toBeGreaterThanOrEqual(6 * longTexts(value));
    }),
  );
});

const plainText = fc.string({ unit: fc.constantFrom(..."abc é你👋") });
const unknownValue = fc.jsonValue({ noUnicodeString: true }).map((value) => {
  // Escapes do not count: a model reads the text.
  return JSON.parse(JSON.stringify(value).replaceAll(/\\(?:u....|.)/g, "_")) as JsonValue;
});

/** Where a field that no dialect has may stand. */
const PLACES: readonly [string, (more: JsonObject) => JsonObject][] = [
  ["a body", (more) => more],
  ["a message", (more) => ({ messages: [{ role: "user", content: "", ...more }] })],
  ["a part", (more) => user({ type: "text", text: "", ...more })],
  ["a part of an unknown type", (more) => user({ type: "hologram", ...more })],
  ["an item", (more) => ({ input: [{ type: "function_call", name: "", arguments: "", ...more }] })],
  ["an item of an unknown type", (more) => ({ input: [{ type: "hologram", ...more }] })],
  ["a content of Gemini", (more) => ({ contents: [{ parts: [{ text: "", ...more }] }] })],
  ["a tool", (more) => ({ tools: [{ type: "function", function: { name: "", ...more } }] })],
  ["a call", (more) => ({ messages: [{ role: "assistant", tool_calls: [{ function: { name: "", ...more } }] }] })],
  ["parameters", (more) => ({ reasoning: { x: more } })],
];

test.each(PLACES)("an unknown field in %s counts at least its JSON", (_, place) => {
  fc.assert(
    fc.property(fc.oneof(unknownValue, plainText), (value) => {
      const [name, least] = ["unheardOf", Buffer.byteLength(JSON.stringify(value))];
      expect(promptCharacters(place({ [name]: value })) - promptCharacters(place({}))).toBeGreaterThan(
        least + name.length,
      );
    }),
  );
});

/** A text in each place where a dialect has one. */
const PLACED: readonly ((text: string) => JsonObject)[] = [
  (text) => ({ messages: [{ role: "user", content: text }] }),
  (text) => user({ type: "text", text }),
  (text) => user({ type: "tool_result", tool_use_id: "t", content: text }),
  (text) => ({ system: [{ type: "text", text }] }),
  (text) => ({ messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: text } }] }] }),
  (text) => ({ instructions: text }),
  (text) => item({ type: "input_text", text }),
  (text) => ({ input: [{ type: "function_call_output", call_id: "c", output: text }] }),
  (text) => ({ contents: [{ role: "user", parts: [{ text }] }] }),
  (text) => ({ systemInstruction: { parts: [{ text }] } }),
];

test("a text counts its bytes, whether or not its characters need escapes in JSON", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.constantFrom(...PLACED), (text, place) => {
      expect(promptCharacters(place(text)) - promptCharacters(place(""))).toBe(Buffer.byteLength(text));
    }),
  );
});
