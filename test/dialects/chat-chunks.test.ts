import { describe, expect, test } from "@jest/globals";
import { NOTHING } from "../../src/core/dialect/dialect.ts";
import type { JsonObject } from "../../src/core/kernel/json.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { interpret, together, unnamed } from "../support/relay/interpret.ts";

const read = (...chunks: unknown[]) => interpret(openaiChat, chunks.map(unnamed));
const choice = (delta: object, more: object = {}) => ({ index: 0, delta, finish_reason: null, ...more });
const chunk = (delta: object, more: object = {}) => ({ choices: [choice(delta, more)] });
const usageOf = (usage: object) => together(read({ choices: [], usage })).usage;

describe("a chat chunk is decoded as", () => {
  test("text, and so does a refusal", () => {
    expect(read(chunk({ content: "hi" }), chunk({ refusal: "no" }))).toEqual([{ text: "hi" }, { text: "no" }]);
  });

  test("thinking, under the name of Moonshot and DeepSeek or that of Groq and vLLM", () => {
    expect(read(chunk({ reasoning_content: "a" }), chunk({ reasoning: "b" }))).toEqual([
      { thinking: "a" },
      { thinking: "b" },
    ]);
  });

  test("thinking, when its first piece is the empty string", () => {
    const empty = chunk({ reasoning_content: "", content: "" });
    expect(read(empty, empty)).toEqual([{ thinking: "" }, NOTHING]);
  });

  test("text and thinking, when the content is Mistral's list of parts", () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "h" }, { type: "text", text: "m" }, { type: "reference" }] },
      { type: "text", text: "hi" },
    ];
    expect(read(chunk({ content }))).toEqual([{ text: "hi", thinking: "hm" }]);
  });

  test("pieces of tool calls, without the empty ids and names that some repeat", () => {
    const deltas = read(
      chunk({ tool_calls: [{ index: 1, id: "c1", function: { name: "f", arguments: "" } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { name: "", arguments: '{"a":' } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { arguments: "1}" } }] }),
      chunk({ tool_calls: [{ index: 1, id: "", function: { arguments: "" } }] }),
    );
    expect(deltas).toEqual([
      { toolCalls: [{ index: 1, id: "c1", name: "f" }] },
      { toolCalls: [{ index: 1, arguments: '{"a":' }] },
      { toolCalls: [{ index: 1, arguments: "1}" }] },
      NOTHING,
    ]);
  });

  test("one call for each new id, when calls come without an index", () => {
    const call = (id: string | undefined, json: string) => ({ id, function: { name: id && "f", arguments: json } });
    const deltas = read(
      chunk({ tool_calls: [call("a", "{}"), call("b", '{"x"')] }),
      chunk({ tool_calls: [call(undefined, ":1}")] }),
      chunk({ tool_calls: [call("c", "{}")] }),
    );
    expect(together(deltas).calls).toEqual([
      { id: "a", name: "f", arguments: "{}" },
      { id: "b", name: "f", arguments: '{"x":1}' },
      { id: "c", name: "f", arguments: "{}" },
    ]);
  });

  test("NOTHING itself, when it is empty or unknown", () => {
    const deltas = read(
      chunk({ role: "assistant", content: "" }),
      { choices: [], prompt_filter_results: [] },
      { choices: [], usage: null },
      { choices: [null, 1], error: null },
      { hello: "world" },
      "keep-alive",
      "[]",
    );
    for (const delta of deltas) expect(delta).toBe(NOTHING);
  });
});

describe("a chat stream", () => {
  test("is complete from its finish reason on, and over at [DONE]", () => {
    const deltas = read(chunk({ content: "hi" }), chunk({}, { finish_reason: "stop" }), { choices: [] }, "[DONE]");
    expect(deltas.map((delta) => delta.complete)).toEqual([undefined, "whole", undefined, "now"]);
    expect(deltas[1]).toEqual({ finish: "stop", complete: "whole" });
  });

  test("is over at [DONE] even without a finish reason", () => {
    expect(together(read(chunk({ content: "hi" }), "[DONE]")).wholeAt).toBe(1);
  });

  test("is not finished by an empty finish reason", () => {
    expect(read(chunk({ content: "hi" }, { finish_reason: "" }))).toEqual([{ text: "hi" }]);
  });

  test("of several choices is complete only when each has its finish reason; its text is the first choice's", () => {
    const both = (first: object, second: object) => ({
      choices: [
        { index: 0, ...first },
        { index: 1, ...second },
      ],
    });
    const deltas = read(
      both({ delta: { content: "a" } }, { delta: { content: "b" } }),
      { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      { choices: [{ index: 1, delta: { content: "c" } }] },
      { choices: [{ index: 1, delta: {}, finish_reason: "length" }] },
    );
    expect(together(deltas)).toMatchObject({ text: "a", wholeAt: 3, finish: "length" });
  });
});

describe("content after a finish reason", () => {
  const stop = { finish_reason: "stop" };
  const completeness = (...chunks: unknown[]) => read(...chunks).map((delta) => delta.complete);

  test.each<[string, object]>([
    ["text", { content: "on" }],
    ["a part of text", { content: [{ type: "text", text: "on" }] }],
    ["reasoning", { reasoning_content: "hm" }],
    ["Groq's reasoning", { reasoning: "hm" }],
    ["OpenRouter's reasoning", { reasoning_details: [{ type: "reasoning.text", text: "hm" }] }],
    ["a refusal", { refusal: "no" }],
    ["a call", { tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: "" } }] }],
    ["a call of the old kind", { function_call: { name: "f" } }],
    ["sound", { audio: { data: "UklGRg==" } }],
  ])("reopens the choice: %s", (_what, delta) => {
    expect(completeness(chunk({ content: "a" }), chunk({}, stop), chunk(delta))).toEqual([undefined, "whole", "open"]);
  });

  test("is complete at the next finish reason", () => {
    const chunks = [chunk({ role: "assistant", content: "" }, stop), chunk({ content: "on" }), chunk({ content: "e" })];
    const deltas = read(...chunks, chunk({}, { finish_reason: "length" }));
    expect(deltas.map((delta) => delta.complete)).toEqual(["whole", "open", undefined, "whole"]);
    expect(together(deltas)).toMatchObject({ text: "one", finish: "length", wholeAt: 3 });
  });

  test("is complete only at the end of the body if every chunk has a finish reason", () => {
    const piece = chunk({ content: "a" }, stop);
    expect(completeness(piece, piece, piece)).toEqual(["whole", "at_end", "at_end"]);
    expect(completeness(piece, piece, chunk({}, stop))).toEqual(["whole", "at_end", "whole"]);
    expect(completeness(piece, piece, "[DONE]")).toEqual(["whole", "at_end", "now"]);
  });

  test.each<[string, object]>([
    ["an empty delta", chunk({})],
    ["a delta that repeats its role", chunk({ role: "assistant", content: "", reasoning_content: null })],
    ["an empty piece of a call", chunk({ tool_calls: [{ index: 0, type: "function", function: { arguments: "" } }] })],
    ["an empty choice", { choices: [{}] }],
    ["a choice of no known answer that says nothing", { choices: [{ index: 7, delta: {}, finish_reason: null }] }],
    ["no choices", { choices: null }],
  ])("is not %s", (_what, value) => {
    expect(completeness(chunk({ content: "a" }), chunk({}, stop), value)).toEqual([undefined, "whole", undefined]);
  });
});

describe("a request for several chat answers", () => {
  const of = (index: number, delta: object, finish: string | null = null) => ({
    choices: [{ index, delta, finish_reason: finish }],
  });
  const readTwo = (...chunks: object[]) => {
    const decoder = openaiChat.decoder({ n: 2 });
    return chunks.map((value) => decoder.read(undefined, value as JsonObject, JSON.stringify(value)));
  };

  test("is complete when that many have finished, one after the other", () => {
    const chunks = [of(0, { content: "a" }), of(0, {}, "stop"), of(1, { content: "b" }), of(1, {}, "length")];
    const deltas = readTwo(...chunks);
    expect(deltas.map((delta) => delta.complete)).toEqual([undefined, "open", undefined, "whole"]);
    expect(deltas.map((delta) => delta.finish)).toEqual([undefined, undefined, undefined, "length"]);
  });

  test("is open again when one of them continues", () => {
    const chunks = [of(0, { content: "a" }, "stop"), of(1, { content: "b" }, "stop"), of(0, { content: "c" })];
    expect(readTwo(...chunks).map((delta) => delta.complete)).toEqual(["open", "whole", "open"]);
  });

  test("counts the text of further answers without decoding it", () => {
    expect(readTwo(of(1, { role: "assistant", content: "abc" }), of(1, { reasoning: "hm" }))).toEqual([
      { otherCharacters: 3 },
      { otherCharacters: 2 },
    ]);
  });

  test("is over at [DONE], even if the server sent only one answer", () => {
    const deltas = readTwo(of(0, { content: "a" }), of(0, {}, "stop"));
    expect(deltas.at(-1)).toEqual({ complete: "open" });
    const decoder = openaiChat.decoder({ n: 2 });
    decoder.read(undefined, of(0, { content: "a" }, "stop") as JsonObject, "");
    expect(decoder.read(undefined, undefined, "[DONE]")).toEqual({ complete: "now", finish: "stop" });
  });
});

test("a unary completion is complete, whatever its finish reason and however many answers were requested", () => {
  const value = { object: "chat.completion", choices: [{ index: 0, message: { content: "hi" }, finish_reason: null }] };
  expect(openaiChat.decoder({ n: 3 }).read(undefined, value, "")).toEqual({ text: "hi", complete: "whole" });
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

  test("needs neither type nor message", () => {
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
  test("has OpenAI's names", () => {
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

  test("is read from the top level, else from the choices (Moonshot), else from Groq's field", () => {
    const usage = (tokens: number) => ({ prompt_tokens: tokens });
    const inChoice = { choices: [{ ...choice({}), usage: usage(2) }] };
    const deltas = read(inChoice, { ...inChoice, usage: usage(1) }, { choices: [], x_groq: { usage: usage(3) } });
    expect(deltas.map((delta) => delta.usage)).toEqual([{ inputTokens: 2 }, { inputTokens: 1 }, { inputTokens: 3 }]);
  });

  test("in every chunk does not end the stream, and its last figures count", () => {
    const at = (completion_tokens: number) => ({
      ...chunk({ content: "x" }),
      usage: { prompt_tokens: 3, completion_tokens },
    });
    expect(together(read(at(1), at(2)))).toMatchObject({ usage: { inputTokens: 3, outputTokens: 2 }, wholeAt: -1 });
  });

  test("of xAI excludes reasoning from completion tokens, so reasoning is added", () => {
    const usage = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 303 };
    expect(usageOf({ ...usage, completion_tokens_details: { reasoning_tokens: 290 } })).toEqual({
      inputTokens: 12,
      outputTokens: 291,
      reasoningTokens: 290,
    });
  });

  test.each<[string, object, object]>([
    [
      "thoughts that only the total counts",
      { prompt_tokens: 5, completion_tokens: 7, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    ["no output, but a total", { prompt_tokens: 5, total_tokens: 40 }, { inputTokens: 5, outputTokens: 35 }],
    [
      "an output of zero, but a total",
      { prompt_tokens: 5, completion_tokens: 0, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    ["no input, but a total", { completion_tokens: 35, total_tokens: 40 }, { inputTokens: 5, outputTokens: 35 }],
    [
      "an input of zero, but a total",
      { prompt_tokens: 0, completion_tokens: 35, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    [
      "a negative input, but a total",
      { prompt_tokens: -1, completion_tokens: 35, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    [
      "a total smaller than its parts",
      { prompt_tokens: 5, completion_tokens: 35, total_tokens: 9 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    [
      "a total that is none",
      { prompt_tokens: 5, completion_tokens: 35, total_tokens: "99" },
      { inputTokens: 5, outputTokens: 35 },
    ],
    ["a total that nothing splits", { total_tokens: 40 }, {}],
    [
      "reasoning beyond the output, which left it out",
      { prompt_tokens: 5, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 30 } },
      { inputTokens: 5, outputTokens: 31, reasoningTokens: 30 },
    ],
    [
      "cached tokens beyond the input, which left them out",
      { prompt_tokens: 5, completion_tokens: 1, cache_read_input_tokens: 30, cache_creation_input_tokens: 4 },
      { inputTokens: 39, outputTokens: 1, cacheReadTokens: 30, cacheWriteTokens: 4 },
    ],
    [
      "cached tokens that only the total counts",
      { prompt_tokens: 50, completion_tokens: 1, total_tokens: 81, prompt_tokens_details: { cached_tokens: 30 } },
      { inputTokens: 80, outputTokens: 1, cacheReadTokens: 30 },
    ],
    [
      "predictions and sound, which are parts of the output",
      {
        prompt_tokens: 5,
        completion_tokens: 50,
        total_tokens: 55,
        completion_tokens_details: { audio_tokens: 20, accepted_prediction_tokens: 9, rejected_prediction_tokens: 7 },
      },
      { inputTokens: 5, outputTokens: 50 },
    ],
    ["the names of Responses", { input_tokens: 5, output_tokens: 6 }, { inputTokens: 5, outputTokens: 6 }],
  ])("may have %s", (_what, usage, counts) => {
    expect(usageOf(usage)).toEqual(counts);
  });

  test.each<[string, object, number]>([
    ["OpenAI", { prompt_tokens_details: { cache_write_tokens: 7 } }, 7],
    ["Alibaba", { prompt_tokens_details: { cache_creation_input_tokens: 7, cached_tokens: 0 } }, 7],
    ["LiteLLM", { prompt_tokens_details: { cache_creation_tokens: 7 } }, 7],
    ["Anthropic", { cache_creation_input_tokens: 7 }, 7],
    [
      "Anthropic, by their lifetime",
      { cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 } },
      7,
    ],
  ])("has cache writes under the name of %s", (_who, written, tokens) => {
    expect(usageOf({ prompt_tokens: 10, ...written })).toMatchObject({ inputTokens: 10, cacheWriteTokens: tokens });
  });

  test("is the larger figure if two names disagree", () => {
    expect(usageOf({ prompt_tokens: 10, cached_tokens: 0, prompt_tokens_details: { cached_tokens: 7 } })).toEqual({
      inputTokens: 10,
      cacheReadTokens: 7,
    });
  });

  test("may be spread over several chunks, with null before and after", () => {
    const deltas = read(
      { choices: [], usage: null },
      { choices: [], usage: { prompt_tokens: 10 } },
      { choices: [], usage: { completion_tokens: 4, prompt_tokens: null } },
      { choices: [], usage: null },
    );
    expect(together(deltas).usage).toEqual({ inputTokens: 10, outputTokens: 4 });
  });

  test("in the choices counts the output of each and the prompt once", () => {
    const at = (index: number, tokens: number) => ({
      choices: [{ index, delta: {}, finish_reason: "stop", usage: { prompt_tokens: 10, completion_tokens: tokens } }],
    });
    expect(together(read(at(0, 4), at(1, 6), at(0, 5))).usage).toEqual({ inputTokens: 10, outputTokens: 11 });
  });

  test("that is not a count is ignored", () => {
    expect(usageOf({ prompt_tokens: -1, completion_tokens: 1.5, cached_tokens: "7" })).toEqual({});
  });
});
