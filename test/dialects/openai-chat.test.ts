import { describe, expect, test } from "@jest/globals";
import type { Part } from "../../src/core/dialect/dialect.ts";
import type { JsonObject } from "../../src/core/kernel/json.ts";
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

  const withUsage = { stream: true, stream_options: { include_usage: true } };

  test("is a stream with its usage, of the configured model when there is one", () => {
    const body = { model: "theirs", stream: false };
    expect(openaiChat.body({ body, model: "ours" })).toEqual({ model: "ours", ...withUsage });
    expect(openaiChat.body({ body, model: undefined })).toEqual({ model: "theirs", ...withUsage });
  });

  test.each([undefined, null, {}, { include_usage: false }, "odd", [1]])(
    "asks for usage whatever the client says of it: %j",
    (options) => {
      const body = options === undefined ? {} : { stream_options: options };
      expect(openaiChat.body({ body, model: undefined })).toEqual(withUsage);
    },
  );

  test("keeps the client's other options of the stream", () => {
    const body = { stream_options: { include_obfuscation: false } };
    expect(openaiChat.body({ body, model: undefined }).stream_options).toEqual({
      include_obfuscation: false,
      include_usage: true,
    });
  });

  test("of a whole answer, and to a server that refuses to be asked, is left as it is", () => {
    expect(openaiChat.body({ body: {}, model: undefined, whole: true })).toEqual({ stream: false });
    expect(openaiChat.body({ body: {}, model: undefined, includeUsage: false })).toEqual({ stream: true });
    const body = { stream_options: { include_usage: true } };
    expect(openaiChat.body({ body, model: undefined, includeUsage: false })).toEqual({ ...body, stream: true });
  });
});

describe("the chunk with nothing but usage", () => {
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const counts = { inputTokens: 7, outputTokens: 3 };
  const read = (asked: JsonObject | undefined, chunk: JsonObject) =>
    openaiChat.decoder(asked).read(undefined, chunk, JSON.stringify(chunk));

  test("counts, and is hidden from a client that did not ask for it", () => {
    for (const asked of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
      expect(read(asked, { choices: [], usage })).toEqual({ usage: counts, hidden: true });
    }
  });

  test("is shown to a client that asked, and where nobody says who asked", () => {
    const asked = { stream_options: { include_usage: true } };
    expect(read(asked, { choices: [], usage })).toEqual({ usage: counts });
    expect(read(undefined, { choices: [], usage })).toEqual({ usage: counts });
  });

  test("is told from chunks that carry more: a choice, a filter's result, an error", () => {
    const choice = { index: 0, delta: {}, finish_reason: "stop" };
    expect(read({}, { choices: [choice], usage })).toEqual({ usage: counts, finish: "stop", complete: "at_end" });
    expect(read({}, { choices: [], prompt_filter_results: [] })).toEqual({});
    expect(read({}, { choices: [], usage: null })).toEqual({});
    expect(read({}, { usage })).toEqual({ usage: counts });
    expect(read({}, { choices: [], usage, error: { message: "no" } })).not.toHaveProperty("hidden");
  });
});

describe("a conversation for chat completions", () => {
  test("asks for no limit whose name providers disagree about", () => {
    expect(openaiChat.conversation({ system: "be brief", ...say("user", { type: "text", text: "hi" }) })).toEqual({
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "hi" },
      ],
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
