import { describe, expect, test } from "@jest/globals";
import type { Part } from "../../src/core/dialect.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";

const say = (role: "user" | "assistant", ...content: Part[]) => ({ messages: [{ role, content }] });

describe("a chat completions request", () => {
  test("goes to /chat/completions with a bearer key, or with none", () => {
    expect(openaiChat.address("secret")).toEqual({
      path: "/chat/completions",
      headers: { authorization: "Bearer secret" },
    });
    expect(openaiChat.address(undefined).headers).toEqual({});
  });

  test("is always a stream, of the configured model when there is one", () => {
    const body = { model: "theirs", stream: false };
    expect(openaiChat.body({ body, model: "ours" })).toEqual({ model: "ours", stream: true });
    expect(openaiChat.body({ body, model: undefined })).toEqual({ model: "theirs", stream: true });
  });

  test("of a raw client asks for no usage that the client did not ask for", () => {
    expect(openaiChat.body({ body: { messages: [] }, model: undefined })).toEqual({ messages: [], stream: true });
  });
});

describe("a conversation for chat completions", () => {
  test("asks for usage, and for no limit whose name providers disagree about", () => {
    expect(openaiChat.conversation({ system: "be brief", ...say("user", { type: "text", text: "hi" }) })).toEqual({
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "hi" },
      ],
      stream_options: { include_usage: true },
    });
  });

  test("sends an image as a data URL", () => {
    const turn = say("user", { type: "text", text: "?" }, { type: "image", mimeType: "image/png", base64: "AA==" });
    expect(openaiChat.conversation(turn).messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
        ],
      },
    ]);
  });

  test.each(["", "let me see"])("sends the reasoning %j back verbatim", (text) => {
    const turn = say("assistant", { type: "thinking", text }, { type: "text", text: "hi" });
    expect(openaiChat.conversation(turn).messages).toEqual([
      { role: "assistant", content: "hi", reasoning_content: text },
    ]);
  });

  test("sends no reasoning where there was none, and none that Anthropic signed", () => {
    const plain = say("assistant", { type: "text", text: "hi" });
    const signed = say(
      "assistant",
      { type: "thinking", text: "hm", signature: "sig" },
      { type: "text", text: "h" },
      { type: "text", text: "i" },
    );
    const expected = [{ role: "assistant", content: "hi" }];
    expect(openaiChat.conversation(plain).messages).toEqual(expected);
    expect(openaiChat.conversation(signed).messages).toEqual(expected);
  });

  test("leaves out messages without content", () => {
    const { messages } = openaiChat.conversation({
      messages: [
        { role: "user", content: [] },
        { role: "assistant", content: [{ type: "thinking", text: "hm" }] },
        { role: "user", content: [{ type: "text", text: "" }] },
      ],
    });
    expect(messages).toEqual([]);
  });

  test("asks for thinking by effort; off asks for nothing", () => {
    const turn = say("user", { type: "text", text: "hi" });
    expect(openaiChat.conversation({ ...turn, thinking: "low" })).toMatchObject({ reasoning_effort: "low" });
    expect(openaiChat.conversation({ ...turn, thinking: "off" })).toEqual(openaiChat.conversation(turn));
  });

  test("refuses an image in an answer", () => {
    const turn = say("assistant", { type: "image", mimeType: "image/png", base64: "AA==" });
    expect(() => openaiChat.conversation(turn)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});
