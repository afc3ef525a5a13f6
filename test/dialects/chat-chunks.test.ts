import { describe, expect, test } from "@jest/globals";
import { NOTHING } from "../../src/core/dialect/dialect.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { interpret, together, unnamed } from "../support/interpret.ts";

const read = (...chunks: unknown[]) => interpret(openaiChat, chunks.map(unnamed));
const choice = (delta: object, more: object = {}) => ({ index: 0, delta, finish_reason: null, ...more });
const chunk = (delta: object, more: object = {}) => ({ choices: [choice(delta, more)] });
const usageOf = (usage: object) => together(read({ choices: [], usage })).usage;

describe("a chat chunk means", () => {
  test("text, and so does a refusal", () => {
    expect(read(chunk({ content: "hi" }), chunk({ refusal: "no" }))).toEqual([{ text: "hi" }, { text: "no" }]);
  });

  test("thinking, under the name of Moonshot and DeepSeek or that of Groq and vLLM", () => {
    expect(read(chunk({ reasoning_content: "a" }), chunk({ reasoning: "b" }))).toEqual([
      { thinking: "a" },
      { thinking: "b" },
    ]);
  });

  test("that there is thinking, when its first piece is the empty string", () => {
    const empty = chunk({ reasoning_content: "", content: "" });
    expect(read(empty, empty)).toEqual([{ thinking: "" }, NOTHING]);
  });

  test("text and thinking, when the content comes as Mistral's parts", () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "h" }, { type: "text", text: "m" }, { type: "reference" }] },
      { type: "text", text: "hi" },
    ];
    expect(read(chunk({ content }))).toEqual([{ text: "hi", thinking: "hm" }]);
  });

  test("pieces of tool calls, without the empty ids and names that some repeat", () => {
    const meanings = read(
      chunk({ tool_calls: [{ index: 1, id: "c1", function: { name: "f", arguments: "" } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { name: "", arguments: '{"a":' } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { arguments: "1}" } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { arguments: "" } }] }),
    );
    expect(meanings).toEqual([
      { toolCalls: [{ index: 1, id: "c1", name: "f" }] },
      { toolCalls: [{ index: 1, arguments: '{"a":' }] },
      { toolCalls: [{ index: 1, arguments: "1}" }] },
      NOTHING,
    ]);
  });

  test("one call for each new id, when calls come without an index", () => {
    const call = (id: string | undefined, json: string) => ({ id, function: { name: id && "f", arguments: json } });
    const meanings = read(
      chunk({ tool_calls: [call("a", "{}"), call("b", '{"x"')] }),
      chunk({ tool_calls: [call(undefined, ":1}")] }),
      chunk({ tool_calls: [call("c", "{}")] }),
    );
    expect(together(meanings).calls).toEqual([
      { id: "a", name: "f", arguments: "{}" },
      { id: "b", name: "f", arguments: '{"x":1}' },
      { id: "c", name: "f", arguments: "{}" },
    ]);
  });

  test("nothing, and the very NOTHING, when it has nothing to say or is unknown", () => {
    const meanings = read(
      chunk({ role: "assistant", content: "" }),
      { choices: [], prompt_filter_results: [] },
      { choices: [], usage: null },
      { choices: [null, 1], error: null },
      { hello: "world" },
      "keep-alive",
      "[]",
    );
    for (const delta of meanings) expect(delta).toBe(NOTHING);
  });
});

describe("a chat stream", () => {
  test("is whole from its finish reason on, and over at [DONE]", () => {
    const meanings = read(chunk({ content: "hi" }), chunk({}, { finish_reason: "stop" }), { choices: [] }, "[DONE]");
    expect(meanings.map((delta) => delta.complete)).toEqual([undefined, "at_end", undefined, "now"]);
    expect(meanings[1]).toEqual({ finish: "stop", complete: "at_end" });
  });

  test("is over at [DONE] even when no finish reason came", () => {
    expect(together(read(chunk({ content: "hi" }), "[DONE]")).wholeAt).toBe(1);
  });

  test("is not finished by an empty finish reason", () => {
    expect(read(chunk({ content: "hi" }, { finish_reason: "" }))).toEqual([{ text: "hi" }]);
  });

  test("of several choices is whole only when each has its finish reason; the text is the first one's", () => {
    const both = (first: object, second: object) => ({
      choices: [
        { index: 0, ...first },
        { index: 1, ...second },
      ],
    });
    const meanings = read(
      both({ delta: { content: "a" } }, { delta: { content: "b" } }),
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [{ index: 1, delta: { content: "c" } }] },
      { choices: [{ index: 1, delta: {}, finish_reason: "length" }] },
    );
    expect(together(meanings)).toMatchObject({ text: "a", wholeAt: 3, finish: "length" });
  });
});

describe("a chat error", () => {
  test.each([
    ["an object with an error", { error: { type: "server_error", message: "broke" } }, {}],
    [
      "an error beside choices",
      { ...chunk({}, { finish_reason: "error" }), error: { code: "server_error", message: "broke" } },
      { code: "server_error" },
    ],
    [
      "the error itself as the chunk",
      { object: "error", type: "server_error", message: "broke", code: 400 },
      { status: 400 },
    ],
  ])("is %s", (_, value, more) => {
    const [delta] = read(value);
    expect(delta?.error).toEqual({ type: "server_error", message: "broke", ...more });
    expect(delta?.complete).toBeUndefined();
  });

  test("is one without any words as well", () => {
    expect(read({ error: { code: 502 } }, chunk({}, { finish_reason: "error" }))).toEqual([
      { error: { type: "502", status: 502 } },
      { error: {}, finish: "error" },
    ]);
  });

  test("is any event named error", () => {
    const events = [{ event: "error", data: "overloaded" }];
    expect(interpret(openaiChat, events)).toEqual([{ error: { message: "overloaded" } }]);
  });
});

describe("chat usage", () => {
  test("comes in OpenAI's names", () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 40 },
    };
    expect(usageOf(usage)).toEqual({
      inputTokens: 100,
      outputTokens: 50,
      cacheReadTokens: 80,
      cacheWriteTokens: 10,
      reasoningTokens: 40,
    });
  });

  test.each([
    ["Moonshot", { cached_tokens: 7 }],
    ["OpenAI", { prompt_tokens_details: { cached_tokens: 7 } }],
    ["DeepSeek", { prompt_cache_hit_tokens: 7, prompt_cache_miss_tokens: 3 }],
  ])("has its cached tokens under the name of %s", (_, cached) => {
    expect(usageOf({ prompt_tokens: 10, ...cached })).toEqual({ inputTokens: 10, cacheReadTokens: 7 });
  });

  test("is at the top of the chunk, in its first choice (Moonshot) or in Groq's field; the top wins", () => {
    const usage = (tokens: number) => ({ prompt_tokens: tokens });
    const inChoice = { choices: [{ ...choice({}), usage: usage(2) }] };
    const meanings = read(inChoice, { ...inChoice, usage: usage(1) }, { choices: [], x_groq: { usage: usage(3) } });
    expect(meanings.map((delta) => delta.usage)).toEqual([{ inputTokens: 2 }, { inputTokens: 1 }, { inputTokens: 3 }]);
  });

  test("running on every chunk does not end the stream, and its last figures win", () => {
    const at = (completion_tokens: number) => ({
      ...chunk({ content: "x" }),
      usage: { prompt_tokens: 3, completion_tokens },
    });
    expect(together(read(at(1), at(2)))).toMatchObject({ usage: { inputTokens: 3, outputTokens: 2 }, wholeAt: -1 });
  });

  test("of xAI leaves reasoning out of its completion tokens: it is put in", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 303 };
    expect(usageOf({ ...usage, completion_tokens_details: { reasoning_tokens: 290 } })).toEqual({
      inputTokens: 12,
      outputTokens: 291,
      reasoningTokens: 290,
    });
  });

  test("that makes no sense is not believed", () => {
    expect(usageOf({ prompt_tokens: -1, completion_tokens: 1.5, cached_tokens: "7" })).toEqual({});
  });
});
