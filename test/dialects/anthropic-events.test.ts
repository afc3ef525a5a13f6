import { describe, expect, test } from "@jest/globals";
import { NOTHING } from "../../src/core/dialect/dialect.ts";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { interpret, named, together } from "../support/relay/interpret.ts";

const read = (...events: { readonly type: string }[]) => interpret(anthropicMessages, events.map(named));
const delta = (index: number, fields: object) => ({ type: "content_block_delta", index, delta: fields });
const block = (index: number, fields: object) => ({ type: "content_block_start", index, content_block: fields });

describe("an Anthropic event is decoded as", () => {
  test("text, thinking, its signature, or the next piece of a tool call", () => {
    expect(
      read(
        delta(0, { type: "thinking_delta", thinking: "hm" }),
        delta(0, { type: "signature_delta", signature: "sig" }),
        delta(1, { type: "text_delta", text: "hi" }),
        delta(2, { type: "input_json_delta", partial_json: '{"a' }),
      ),
    ).toEqual([
      { thinking: "hm" },
      { thinkingSignature: "sig" },
      { text: "hi" },
      { toolCalls: [{ index: 2, arguments: '{"a' }] },
    ]);
  });

  test.each(["tool_use", "server_tool_use", "mcp_tool_use"])("a tool call, when a %s block starts", (type) => {
    expect(read(block(3, { type, id: "t1", name: "search", input: {} }))).toMatchObject([
      { toolCalls: [{ index: 3, id: "t1", name: "search" }] },
    ]);
  });

  test("a call that runs at the provider, unless it is for the client", () => {
    const call = (type: string) => read(block(0, { type, id: "t1", name: "search", input: {} }))[0]?.toolCalls?.[0];
    expect(call("server_tool_use")?.isProviders).toBe(true);
    expect(call("mcp_tool_use")?.isProviders).toBe(true);
    expect(call("tool_use")?.isProviders).toBeUndefined();
  });

  test("the result of a tool at the provider, without what only the provider reads", () => {
    const found = {
      type: "web_search_result",
      url: "https://tides.example/",
      title: "Tides",
      encrypted_content: "eA==",
    };
    const script = { type: "web_search_result", url: "javascript:alert(1)", title: "Bad" };
    expect(
      read(
        block(1, { type: "web_search_tool_result", tool_use_id: "t1", content: [found, script] }),
        block(2, {
          type: "code_execution_tool_result",
          tool_use_id: "t2",
          content: { stdout: "1", encrypted_stdout: "x" },
        }),
      ),
    ).toEqual([
      {
        toolResults: [
          { id: "t1", output: [{ type: "web_search_result", url: "https://tides.example/", title: "Tides" }, script] },
        ],
        sources: [{ type: "url", url: "https://tides.example/", title: "Tides" }],
      },
      { toolResults: [{ id: "t2", output: { stdout: "1" } }] },
    ]);
  });

  test("a complete tool call, when the block starts with its input", () => {
    expect(read(block(0, { type: "tool_use", id: "t1", name: "roll", input: { dice: 2 } }))).toEqual([
      { toolCalls: [{ index: 0, id: "t1", name: "roll", arguments: '{"dice":2}' }] },
    ]);
  });

  test("the content that a block starts with", () => {
    expect(
      read(block(0, { type: "thinking", thinking: "h", signature: "s" }), block(1, { type: "text", text: "t" })),
    ).toEqual([{ thinking: "h", thinkingSignature: "s" }, { text: "t" }]);
  });

  test("everything at once, when message_start has a complete answer", () => {
    const call = { type: "tool_use", id: "t1", name: "roll", input: { dice: 2 } };
    const message = {
      content: [{ type: "text", text: "so: " }, call],
      stop_reason: "tool_use",
      usage: { input_tokens: 1, output_tokens: 2 },
    };
    const start = { type: "message_start", message };
    expect(read(start)).toEqual([
      {
        text: "so: ",
        toolCalls: [{ index: 1, id: "t1", name: "roll", arguments: '{"dice":2}' }],
        usage: { inputTokens: 1, outputTokens: 2 },
        finish: "tool_use",
      },
    ]);
  });

  test("NOTHING itself, when it is empty or unknown", () => {
    const deltas = read(
      { type: "ping" },
      { type: "brand_new_event" },
      { type: "content_block_stop" },
      { type: "message_start" },
      { type: "message_delta" },
      block(0, { type: "text", text: "" }),
      block(1, { type: "web_search_tool_result" }),
      delta(0, { type: "text_delta", text: "" }),
      delta(0, { type: "input_json_delta", partial_json: "" }),
      delta(0, { type: "citations_delta", citation: {} }),
    );
    for (const delta of deltas) expect(delta).toBe(NOTHING);
  });

  test("the end, for message_stop only", () => {
    const deltas = read(
      { type: "message_start" },
      Object.assign({ type: "message_delta" }, { delta: { stop_reason: "end_turn" } }),
      { type: "message_stop" },
    );
    expect(deltas.map((delta) => delta.complete)).toEqual([undefined, undefined, "now"]);
    expect(together(deltas).finish).toBe("end_turn");
  });

  test("the end, even when the data of message_stop is broken", () => {
    expect(interpret(anthropicMessages, [{ event: "message_stop", data: '{"type":' }])).toEqual([{ complete: "now" }]);
  });
});

describe("an Anthropic error event", () => {
  test("carries the provider's type and message", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect(read(error)).toEqual([{ error: { type: "overloaded_error", message: "Overloaded" } }]);
  });

  test("is recognised by its name alone, whatever its data", () => {
    const events = [
      { event: "error", data: "Bad gateway" },
      { event: "error", data: '{"type":"api_error","message":"x"}' },
      { event: "error", data: '{"broken' },
    ];
    expect(interpret(anthropicMessages, events)).toEqual([
      { error: { message: "Bad gateway" } },
      { error: { type: "api_error", message: "x" } },
      { error: {} },
    ]);
  });
});

describe("Anthropic's usage", () => {
  const start = (usage: object) => ({ type: "message_start", message: { usage } });
  const report = (usage: object) => ({ type: "message_delta", delta: {}, usage });

  test("keeps the figures of the start when the end reports zero", () => {
    const deltas = read(
      start({ input_tokens: 20, cache_read_input_tokens: 300 }),
      report({ input_tokens: 0, output_tokens: 7 }),
    );
    expect(together(deltas).usage).toEqual({ inputTokens: 320, cacheReadTokens: 300, outputTokens: 7 });
  });

  test("counts cached tokens as input", () => {
    const usage = { input_tokens: 2, cache_read_input_tokens: 30, cache_creation_input_tokens: 400, output_tokens: 5 };
    expect(read(start(usage))).toEqual([{ usage: { inputTokens: 432, cacheReadTokens: 30, cacheWriteTokens: 400 } }]);
  });

  test("excludes output in message_start, unless the message is complete there", () => {
    const usage = { input_tokens: 3, output_tokens: 5 };
    expect(together(read(start(usage), report({ input_tokens: 3 }))).usage).toEqual({ inputTokens: 3 });
    const whole = { type: "message_start", message: { usage, stop_reason: "end_turn" } };
    expect(read(whole)).toEqual([{ finish: "end_turn", usage: { inputTokens: 3, outputTokens: 5 } }]);
  });

  test("is cumulative: the last figure that is not null counts, and none are added up", () => {
    const deltas = read(
      start({ input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 }),
      report({ output_tokens: 20, input_tokens: null }),
      report({ output_tokens: 30, input_tokens: 12, output_tokens_details: { thinking_tokens: 9 } }),
    );
    expect(together(deltas).usage).toEqual({
      inputTokens: 17,
      outputTokens: 30,
      cacheReadTokens: 5,
      reasoningTokens: 9,
    });
  });
});

describe("Anthropic's usage.iterations", () => {
  const usageOf = (...reports: object[]) =>
    together(
      read(
        ...reports.map((usage, index) =>
          index === 0
            ? { type: "message_start", message: { usage } }
            : Object.assign({ type: "message_delta" }, { delta: {}, usage }),
        ),
      ),
    ).usage;
  const compaction = { type: "compaction", input_tokens: 900, output_tokens: 70 };
  const message = { type: "message", input_tokens: 20, output_tokens: 8 };
  const start = { input_tokens: 20, output_tokens: 1 };

  test("are added up, since the top-level figures leave compaction out", () => {
    const end = { input_tokens: 20, output_tokens: 8, iterations: [compaction, message] };
    expect(usageOf(start, end)).toEqual({ inputTokens: 920, outputTokens: 78 });
  });

  test("are counted once if the top-level figures include them", () => {
    const end = { input_tokens: 920, output_tokens: 78, iterations: [compaction, message] };
    expect(usageOf(start, end)).toEqual({ inputTokens: 920, outputTokens: 78 });
    expect(usageOf(start, { input_tokens: 20, output_tokens: 8, iterations: [message] })).toEqual({
      inputTokens: 20,
      outputTokens: 8,
    });
  });

  test("are added to the top-level figures if they do not list the message", () => {
    expect(usageOf(start, { output_tokens: 8, iterations: [compaction] })).toEqual({
      inputTokens: 920,
      outputTokens: 78,
    });
  });

  test("are remembered from an earlier report", () => {
    const begun = { ...start, iterations: [compaction, { ...message, output_tokens: 1 }] };
    expect(usageOf(begun, { output_tokens: 8 })).toEqual({ inputTokens: 920, outputTokens: 78 });
  });

  test("have their own cached input", () => {
    const cached = { cache_read_input_tokens: 300, cache_creation_input_tokens: 40 };
    const end = { ...start, output_tokens: 8, iterations: [{ ...compaction, ...cached }, message] };
    expect(usageOf(start, end)).toEqual({
      inputTokens: 1_260,
      outputTokens: 78,
      cacheReadTokens: 300,
      cacheWriteTokens: 40,
    });
  });

  test("include an advisor, and an answer that a fallback replaced", () => {
    const advisor = { type: "advisor_message", input_tokens: 200, output_tokens: 300 };
    const first = { type: "message", input_tokens: 18, output_tokens: 2 };
    expect(usageOf(start, { input_tokens: 38, output_tokens: 10, iterations: [first, advisor, message] })).toEqual({
      inputTokens: 238,
      outputTokens: 310,
    });
    const fallback = { type: "fallback_message", input_tokens: 20, output_tokens: 8 };
    expect(usageOf(start, { input_tokens: 20, output_tokens: 8, iterations: [first, fallback] })).toEqual({
      inputTokens: 38,
      outputTokens: 10,
    });
  });
});

test("Anthropic's cache writes are summed by lifetime if no total is given", () => {
  const usage = { input_tokens: 5, cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 4 } };
  expect(read({ type: "message_start", message: { usage } } as { type: string })).toEqual([
    { usage: { inputTokens: 39, cacheWriteTokens: 34 } },
  ]);
});

test("content after Anthropic's stop reason revokes it", () => {
  const stop = Object.assign({ type: "message_delta" }, { delta: { stop_reason: "end_turn" } });
  const text = { type: "text_delta", text: "on" };
  expect(read(stop, delta(0, text), delta(0, text), stop, block(1, { type: "text", text: "" }))).toEqual([
    { finish: "end_turn" },
    { text: "on", complete: "open" },
    { text: "on" },
    { finish: "end_turn" },
    { complete: "open" },
  ]);
});

test("a second message_start in one body begins new tool calls instead of continuing the old ones", () => {
  const call = (id: string) => block(1, { type: "tool_use", id, name: "f", input: {} });
  const deltas = read(
    { type: "message_start" },
    call("first"),
    delta(1, { type: "input_json_delta", partial_json: '{"cut' }),
    { type: "message_start" },
    call("second"),
    delta(1, { type: "input_json_delta", partial_json: "{}" }),
  );
  expect(together(deltas).calls).toEqual([
    { id: "first", name: "f", arguments: '{"cut' },
    { id: "second", name: "f", arguments: "{}" },
  ]);
});
