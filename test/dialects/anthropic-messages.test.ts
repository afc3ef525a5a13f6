import { describe, expect, test } from "@jest/globals";
import type { Part } from "../../src/core/dialect/dialect.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";

const say = (role: "user" | "assistant", ...content: Part[]) => ({ messages: [{ role, content }] });

describe("a request to Anthropic", () => {
  test("goes to /v1/messages with the key and the version in their own headers", () => {
    expect(anthropicMessages.address("secret")).toEqual({
      path: "/v1/messages",
      headers: { "x-api-key": "secret", "anthropic-version": "2023-06-01" },
    });
    expect(anthropicMessages.address(undefined).headers).toEqual({ "anthropic-version": "2023-06-01" });
  });

  test("is always a stream, of the configured model when there is one", () => {
    const body = { model: "theirs", stream: false, max_tokens: 1 };
    expect(anthropicMessages.body({ body, model: "ours" })).toEqual({ model: "ours", stream: true, max_tokens: 1 });
    expect(anthropicMessages.body({ body, model: undefined })).toMatchObject({ model: "theirs", stream: true });
  });

  test("gets the max_tokens that the API requires, unless it is set", () => {
    const maxTokens = (body: { max_tokens?: number; thinking?: { type: string } }) =>
      anthropicMessages.body({ body, model: undefined }).max_tokens;
    expect(maxTokens({ max_tokens: 7 })).toBe(7);
    expect(maxTokens({})).toBe(8_192);
    expect(maxTokens({ thinking: { type: "disabled" } })).toBe(8_192);
    expect(maxTokens({ thinking: { type: "adaptive" } })).toBe(32_000);
  });

  test("keeps the caller's other fields unchanged", () => {
    const body = { messages: [{ role: "user", content: "hi" }], tools: [], metadata: { user_id: "u" }, max_tokens: 1 };
    expect(anthropicMessages.body({ body, model: undefined })).toEqual({ ...body, stream: true });
  });
});

describe("a conversation for Anthropic", () => {
  test("carries the system prompt, texts and images", () => {
    const turn = {
      system: "be brief",
      ...say("user", { type: "text", text: "what is this?" }, { type: "image", mimeType: "image/png", base64: "AA==" }),
    };
    expect(anthropicMessages.conversation(turn)).toEqual({
      system: "be brief",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is this?" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
          ],
        },
      ],
    });
  });

  test("leaves max_tokens to the model's defaults, which a field of the body would override", () => {
    expect(anthropicMessages.conversation(say("user", { type: "text", text: "hi" }))).not.toHaveProperty("max_tokens");
  });

  test("sends signed thinking back verbatim, and never thinking without a signature", () => {
    const turn = say(
      "assistant",
      { type: "thinking", text: "", signature: "sig" },
      { type: "thinking", text: "of another provider" },
      { type: "text", text: "hi" },
    );
    expect(anthropicMessages.conversation(turn).messages).toEqual([
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "", signature: "sig" },
          { type: "text", text: "hi" },
        ],
      },
    ]);
  });

  test("leaves out empty texts and assistant messages of thinking only", () => {
    const { messages } = anthropicMessages.conversation({
      messages: [
        { role: "assistant", content: [{ type: "thinking", text: "hm", signature: "sig" }] },
        { role: "assistant", content: [{ type: "text", text: "" }] },
        { role: "user", content: [{ type: "text", text: "again" }] },
      ],
    });
    expect(messages).toEqual([{ role: "user", content: [{ type: "text", text: "again" }] }]);
  });

  test('requests thinking by effort; "off" and undefined set nothing', () => {
    const turn = say("user", { type: "text", text: "hi" });
    expect(anthropicMessages.conversation({ ...turn, thinking: "high" })).toMatchObject({
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
    });
    expect(Object.keys(anthropicMessages.conversation({ ...turn, thinking: "off" }))).toEqual(["messages"]);
    expect(Object.keys(anthropicMessages.conversation(turn))).toEqual(["messages"]);
  });

  test("rejects an image in an assistant message", () => {
    const turn = say("assistant", { type: "image", mimeType: "image/png", base64: "AA==" });
    expect(() => anthropicMessages.conversation(turn)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});
