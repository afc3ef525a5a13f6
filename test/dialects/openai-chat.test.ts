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

  test("asks for a stream and its usage, and names the configured model", () => {
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

  test("keeps the client's other stream options", () => {
    const body = { stream_options: { include_obfuscation: false } };
    expect(openaiChat.body({ body, model: undefined }).stream_options).toEqual({
      include_obfuscation: false,
      include_usage: true,
    });
  });

  test("does not ask for usage if the answer is unary or the server rejects the parameter", () => {
    expect(openaiChat.body({ body: {}, model: undefined, unary: true })).toEqual({ stream: false });
    expect(openaiChat.body({ body: {}, model: undefined, includeUsage: false })).toEqual({ stream: true });
    const body = { stream_options: { include_usage: true } };
    expect(openaiChat.body({ body, model: undefined, includeUsage: false })).toEqual({ ...body, stream: true });
  });
});

describe("a chunk with nothing but usage", () => {
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const counts = { inputTokens: 7, outputTokens: 3 };
  const said = { id: "c1", choices: [{ index: 0, delta: { role: "assistant", content: "hi" } }], citations: ["a"] };
  /** What the last of some chunks means to a client that did not ask for usage, or did. */
  const read = (hidesUsage: boolean, ...chunks: readonly JsonObject[]) => {
    const decoder = openaiChat.decoder({}, hidesUsage);
    return chunks.map((chunk) => decoder.read(undefined, chunk, JSON.stringify(chunk))).at(-1);
  };

  test.each<[string, JsonObject]>([
    ["no choices", { choices: [], usage }],
    ["null for choices", { choices: null, usage }],
    ["no field for choices", { usage }],
    ["an empty choice", { choices: [{}], usage }],
    ["a choice that says nothing", { choices: [{ index: 0, delta: {}, finish_reason: null, logprobs: null }], usage }],
    ["a choice that repeats its role", { choices: [{ index: 0, delta: { role: "assistant", content: "" } }], usage }],
    ["the usage in an empty choice", { choices: [{ index: 0, delta: {}, usage }], usage }],
    [
      "the fields of every chunk",
      { id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage },
    ],
    ["padding", { choices: [], usage, obfuscation: "x7", service_tier: "default", system_fingerprint: "fp" }],
    ["fields that hold nothing", { choices: [], usage, prompt_token_ids: null, warnings: [], error: null }],
    ["a field that repeats what the first chunk said", { choices: [], usage, citations: ["a"] }],
    ["a usage without figures", { choices: [], usage: {} }],
    ["Groq's field for it", { choices: [], x_groq: { id: "r", usage } }],
  ])("is hidden from a client that did not ask for it, even with %s", (_what, chunk) => {
    expect(read(true, said, chunk)).toMatchObject({ hidden: true });
    expect(read(false, said, chunk)).not.toHaveProperty("hidden");
  });

  test("is counted although it is hidden", () => {
    expect(read(true, said, { choices: [], usage })).toEqual({ usage: counts, hidden: true });
  });

  test.each<[string, JsonObject]>([
    ["text", { choices: [{ index: 0, delta: { content: "x" } }], usage }],
    ["a finish reason", { choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage }],
    ["reasoning", { choices: [{ index: 0, delta: { reasoning: "x" } }], usage }],
    ["a call", { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: "f" } }] } }], usage }],
    ["the beginning of a further answer", { choices: [{ index: 1, delta: { role: "assistant" } }], usage }],
    ["probabilities", { choices: [{ index: 0, delta: {}, logprobs: { content: [{ token: "a" }] } }], usage }],
    ["timings", { choices: [], usage, timings: { predicted_n: 3 } }],
    ["the results of a filter", { choices: [], usage, prompt_filter_results: [{ prompt_index: 0 }] }],
    ["what an earlier chunk said otherwise", { choices: [], usage, citations: ["a", "b"] }],
    ["more in Groq's field", { choices: [], x_groq: { usage, seed: 7 } }],
    ["an error", { choices: [], usage, error: { message: "no" } }],
  ])("is not hidden if it also has %s", (_what, chunk) => {
    expect(read(true, said, chunk)).not.toHaveProperty("hidden");
  });

  test("must have usage, and the first chunk cannot repeat anything", () => {
    expect(read(true, said, { choices: [] })).toEqual({});
    expect(read(true, said, { choices: [], usage: null })).toEqual({});
    expect(read(true, { choices: [], usage, prompt_filter_results: [{ prompt_index: 0 }] })).toEqual({ usage: counts });
  });
});

describe("the request for usage", () => {
  const { usageRequest } = openaiChat;

  test("is added if the client does not make it", () => {
    for (const asked of [{}, { stream_options: null }, { stream_options: { include_usage: false } }]) {
      expect(usageRequest?.isAdded(asked)).toBe(true);
    }
    expect(usageRequest?.isAdded({ stream_options: { include_usage: true } })).toBe(false);
  });

  test("can be removed again without the client's own stream options", () => {
    const without = (asked: JsonObject) =>
      usageRequest?.without(openaiChat.body({ body: asked, model: "m", includeUsage: true }));
    expect(without({ n: 1 })).toEqual({ n: 1, model: "m", stream: true });
    expect(without({ stream_options: { include_obfuscation: false } })).toEqual({
      model: "m",
      stream: true,
      stream_options: { include_obfuscation: false },
    });
  });

  test.each([
    ["Unrecognized request argument supplied: stream_options", true],
    ['{"detail":[{"loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted"}]}', true],
    ["max_tokens is too large", false],
  ])("is refused by an error body that names it: %s", (refusal, isRefused) => {
    expect(usageRequest?.isRefusedBy(refusal)).toBe(isRefused);
  });
});

describe("a conversation for chat completions", () => {
  test("sets no output limit, because providers disagree about its name", () => {
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

  test("sends no reasoning if there was none, nor Anthropic's signed thinking", () => {
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

  test('requests thinking by effort; "off" sets nothing', () => {
    const turn = say("user", { type: "text", text: "hi" });
    expect(openaiChat.conversation({ ...turn, thinking: "low" })).toMatchObject({ reasoning_effort: "low" });
    expect(openaiChat.conversation({ ...turn, thinking: "off" })).toEqual(openaiChat.conversation(turn));
  });

  test("rejects an image in an assistant message", () => {
    const turn = say("assistant", { type: "image", mimeType: "image/png", base64: "AA==" });
    expect(() => openaiChat.conversation(turn)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});
