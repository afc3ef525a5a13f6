import { describe, expect, test } from "@jest/globals";
import type { DialectName } from "../../protocol/dialects.ts";
import type { Decoder, Delta } from "../../src/core/dialect/dialect.ts";
import { type JsonObject, parseJson } from "../../src/core/kernel/json.ts";
import { dialects } from "../../src/dialects/registry.ts";

const START = { type: "message_start", message: { id: "msg_1", usage: { input_tokens: 3, output_tokens: 1 } } };
const BLOCK = { type: "content_block_start", index: 2, content_block: { type: "text", text: "" } };
const PIECE = { type: "content_block_delta", index: 2, delta: { type: "text_delta", text: "Hi" } };
const CHUNK = {
  id: "chatcmpl-1",
  created: 7,
  model: "gpt",
  choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }],
};
const CREATED = {
  type: "response.created",
  sequence_number: 0,
  response: { id: "resp_1", created_at: 7, model: "gpt" },
};
const DELTA = { type: "response.output_text.delta", sequence_number: 1, delta: "Hi" };

function open(name: DialectName): Decoder {
  const dialect = dialects.get(name);
  if (!dialect) throw new Error("no such dialect");
  return dialect.decoder();
}

const hear = (decoder: Decoder, events: readonly JsonObject[]): Delta[] =>
  events.map((event) => decoder.read(undefined, event, JSON.stringify(event)));

/** What the decoder ends the answer with after these events. */
function ending(name: DialectName, ...events: readonly JsonObject[]) {
  const decoder = open(name);
  hear(decoder, events);
  return decoder.cutShort(9, JSON.stringify(events.at(-1)));
}

describe("an answer that is cut at a cap", () => {
  test("of Anthropic closes its open block and stops at its limit", () => {
    const end = ending("anthropic-messages", START, BLOCK, PIECE);
    expect(end?.finish).toBe("max_tokens");
    expect(end?.events.map(({ name, data }) => [name, parseJson(data)])).toEqual([
      ["content_block_stop", { type: "content_block_stop", index: 2 }],
      [
        "message_delta",
        {
          type: "message_delta",
          delta: { stop_reason: "max_tokens", stop_sequence: null },
          usage: { output_tokens: 9 },
        },
      ],
      ["message_stop", { type: "message_stop" }],
    ]);
  });

  test("of Gemini has a finish reason for each open candidate, the prompt's figure and the same answer's id", () => {
    const candidate = { content: { parts: [{ text: "Hi" }], role: "model" }, index: 0 };
    const usageMetadata = { promptTokenCount: 3, totalTokenCount: 4 };
    const piece = { candidates: [candidate], usageMetadata, modelVersion: "g", responseId: "r" };
    const end = ending("google-gemini", piece);
    expect(end?.finish).toBe("MAX_TOKENS");
    expect(end?.events.map(({ name, data }) => [name, parseJson(data)])).toEqual([
      [
        undefined,
        {
          candidates: [{ content: { parts: [{ text: "" }], role: "model" }, finishReason: "MAX_TOKENS", index: 0 }],
          usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 9, totalTokenCount: 12 },
          modelVersion: "g",
          responseId: "r",
        },
      ],
    ]);
    expect(ending("google-gemini")).toBeUndefined();
  });

  test("of Anthropic closes no block if none is open", () => {
    const end = ending("anthropic-messages", START, BLOCK, PIECE, { type: "content_block_stop", index: 2 });
    expect(end?.events.map(({ name }) => name)).toEqual(["message_delta", "message_stop"]);
  });

  test('of Chat Completions finishes every open choice with "length"', () => {
    const second = { ...CHUNK, choices: [{ index: 1, delta: { content: "Ho" }, finish_reason: null }] };
    const end = ending("openai-chat", CHUNK, second);
    expect(end?.finish).toBe("length");
    expect(end?.events.map(({ data }) => parseJson(data) ?? data)).toEqual([
      {
        id: "chatcmpl-1",
        created: 7,
        model: "gpt",
        object: "chat.completion.chunk",
        choices: [0, 1].map((index) => ({ index, delta: {}, finish_reason: "length" })),
      },
      "[DONE]",
    ]);
  });

  test("of Responses is incomplete at its limit, with the next sequence number and without output", () => {
    const end = ending("openai-responses", CREATED, DELTA);
    expect(end?.finish).toBe("max_output_tokens");
    expect(end?.events.map(({ name, data }) => [name, parseJson(data)])).toEqual([
      [
        "response.incomplete",
        {
          type: "response.incomplete",
          sequence_number: 2,
          response: {
            id: "resp_1",
            created_at: 7,
            model: "gpt",
            object: "response",
            status: "incomplete",
            incomplete_details: { reason: "max_output_tokens" },
          },
        },
      ],
    ]);
  });

  test.each([
    ["anthropic-messages", [START, BLOCK, PIECE]],
    ["openai-chat", [CHUNK]],
    ["openai-responses", [CREATED, DELTA]],
  ] as const)("of %s is a whole one to whoever reads it", (name, events) => {
    const end = ending(name, ...events);
    const reader = open(name);
    hear(reader, events);
    const deltas = end?.events.map((event) => reader.read(event.name, parseJson(event.data), event.data)) ?? [];
    expect(deltas.at(-1)?.complete).toBe("now");
    expect(deltas.some(({ finish }) => finish === end?.finish)).toBe(true);
    expect(deltas.some(({ error }) => error)).toBe(false);
  });

  test.each([...dialects.keys()] as DialectName[])("of %s has no ending before it began", (name) => {
    expect(open(name).cutShort(9, "")).toBeUndefined();
  });
});
