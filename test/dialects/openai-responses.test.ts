import { describe, expect, test } from "@jest/globals";
import type { Part } from "../../src/core/dialect/dialect.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";

const say = (role: "user" | "assistant", ...content: Part[]) => ({ messages: [{ role, content }] });

describe("a Responses request", () => {
  test("goes to /responses with a bearer key, or with none", () => {
    expect(openaiResponses.address("secret")).toEqual({
      path: "/responses",
      headers: { authorization: "Bearer secret" },
    });
    expect(openaiResponses.address(undefined).headers).toEqual({});
  });

  test("is always a stream, of the configured model when there is one", () => {
    const body = { model: "theirs", stream: false, input: "hi" };
    expect(openaiResponses.body({ body, model: "ours" })).toEqual({ model: "ours", stream: true, input: "hi" });
    expect(openaiResponses.body({ body, model: undefined })).toEqual({ model: "theirs", stream: true, input: "hi" });
  });
});

describe("a conversation for Responses", () => {
  test("names its items, and the content types of user and assistant differently", () => {
    const turn = {
      system: "be brief",
      messages: [
        {
          role: "user" as const,
          content: [
            { type: "text" as const, text: "what is this?" },
            { type: "image" as const, mimeType: "image/png", base64: "AA==" },
          ],
        },
        { role: "assistant" as const, content: [{ type: "text" as const, text: "a dot" }] },
      ],
    };
    expect(openaiResponses.conversation(turn)).toEqual({
      instructions: "be brief",
      input: [
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_text", text: "what is this?" },
            { type: "input_image", image_url: "data:image/png;base64,AA==" },
          ],
        },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "a dot" }] },
      ],
    });
  });

  test("leaves out thinking, empty texts and messages without other content", () => {
    const turn = say("assistant", { type: "thinking", text: "hm" }, { type: "text", text: "" });
    expect(openaiResponses.conversation(turn)).toEqual({ input: [] });
  });

  test('requests thinking by effort; "off" sets nothing', () => {
    const turn = say("user", { type: "text", text: "hi" });
    expect(openaiResponses.conversation({ ...turn, thinking: "medium" })).toMatchObject({
      reasoning: { effort: "medium" },
    });
    expect(openaiResponses.conversation({ ...turn, thinking: "off" })).toEqual(openaiResponses.conversation(turn));
  });

  test("rejects an image in an assistant message", () => {
    const turn = say("assistant", { type: "image", mimeType: "image/png", base64: "AA==" });
    expect(() => openaiResponses.conversation(turn)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});
