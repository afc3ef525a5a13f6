import { describe, expect, test } from "@jest/globals";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { googleGemini } from "../../src/dialects/google-gemini.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";
import { plainSse } from "../../src/dialects/plain-sse.ts";

describe("the output limit of a request", () => {
  test("is max_tokens for Anthropic", () => {
    expect(anthropicMessages.outputLimit({ max_tokens: 50 })).toBe(50);
    expect(anthropicMessages.limited({ max_tokens: 50 }, 20)).toEqual({ max_tokens: 20 });
  });

  test("halves Anthropic's thinking budget with it, or drops thinking if that is below the API's minimum", () => {
    const body = { max_tokens: 16_000, thinking: { type: "enabled", budget_tokens: 10_000 } };
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    expect(anthropicMessages.limited(body, 12_000)).toEqual({ ...body, max_tokens: 12_000 });
    expect(anthropicMessages.limited(body, 4_000)).toEqual({ max_tokens: 4_000, thinking });
    expect(anthropicMessages.limited(body, 2_000)).toEqual({ max_tokens: 2_000 });
  });

  test("is max_output_tokens for Responses, even if the request sets none", () => {
    expect(openaiResponses.outputLimit({ max_output_tokens: 50 })).toBe(50);
    expect(openaiResponses.outputLimit({})).toBeUndefined();
    expect(openaiResponses.limited({ input: "hi" }, 20)).toEqual({ input: "hi", max_output_tokens: 20 });
  });

  test.each(["max_tokens", "max_completion_tokens"])(
    "is %s for Chat Completions, under the name the client used",
    (name) => {
      expect(openaiChat.outputLimit({ [name]: 50 })).toBe(50);
      expect(openaiChat.limited({ [name]: 50 }, 20)).toEqual({ [name]: 20 });
    },
  );

  test("is the lower one if both names are set, and applies to each of several answers", () => {
    const body = { max_tokens: 50, max_completion_tokens: 40, n: 3 };
    expect(openaiChat.outputLimit(body)).toBe(120);
    expect(openaiChat.limited(body, 100)).toEqual({ max_tokens: 33, max_completion_tokens: 33, n: 3 });
  });

  test("is not added to Chat Completions under a name the client did not choose", () => {
    expect(openaiChat.outputLimit({ messages: [] })).toBeUndefined();
    expect(openaiChat.limited({ messages: [] }, 20)).toEqual({ messages: [] });
  });

  test("is maxOutputTokens for Gemini, in either spelling, and applies to each candidate", () => {
    const body = { generationConfig: { maxOutputTokens: 50, candidateCount: 2, topK: 1 } };
    expect(googleGemini.outputLimit(body)).toBe(100);
    expect(googleGemini.limited(body, 41)).toEqual({
      generationConfig: { maxOutputTokens: 20, candidateCount: 2, topK: 1 },
    });
    const snake = { generation_config: { max_output_tokens: 50 } };
    expect(googleGemini.outputLimit(snake)).toBe(50);
    expect(googleGemini.limited(snake, 20)).toEqual({ generation_config: { maxOutputTokens: 20 } });
    expect(googleGemini.outputLimit({ contents: [] })).toBeUndefined();
    expect(googleGemini.limited({ contents: [] }, 20)).toEqual({
      contents: [],
      generationConfig: { maxOutputTokens: 20 },
    });
  });

  test("is unknown for a plain route", () => {
    expect(plainSse.outputLimit({ max_tokens: 50 })).toBeUndefined();
    expect(plainSse.limited({ max_tokens: 50 }, 20)).toEqual({ max_tokens: 50 });
  });

  test.each(["50", 1.5, -1, null])("is ignored when it is %j", (limit) => {
    expect(openaiChat.outputLimit({ max_tokens: limit })).toBeUndefined();
  });
});
