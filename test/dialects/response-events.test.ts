import { describe, expect, test } from "@jest/globals";
import { NOTHING } from "../../src/core/dialect/dialect.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";
import { interpret, named, together } from "../support/relay/interpret.ts";

const event = (type: string, fields: object = {}) => named({ type: `response.${type}`, ...fields });
const read = (...events: ReturnType<typeof named>[]) => interpret(openaiResponses, events);

describe("a Responses event is decoded as", () => {
  test("text, including a refusal", () => {
    expect(read(event("output_text.delta", { delta: "hi" }), event("refusal.delta", { delta: "no" }))).toEqual([
      { text: "hi" },
      { text: "no" },
    ]);
  });

  test("thinking, complete or as a summary", () => {
    expect(
      read(event("reasoning_text.delta", { delta: "a" }), event("reasoning_summary_text.delta", { delta: "b" })),
    ).toEqual([{ thinking: "a" }, { thinking: "b" }]);
  });

  test.each([
    ["function_call", "function_call_arguments", "arguments"],
    ["custom_tool_call", "custom_tool_call_input", "input"],
    ["mcp_call", "mcp_call_arguments", "arguments"],
  ])("a tool call, for a %s and its pieces", (type, stem, field) => {
    const deltas = read(
      event("output_item.added", { output_index: 2, item: { type, call_id: "c1", name: "f", [field]: "" } }),
      event(`${stem}.delta`, { output_index: 2, delta: '{"a"' }),
      event(`${stem}.delta`, { output_index: 2, delta: ":1}" }),
      event(`${stem}.done`, { output_index: 2, [field]: '{"a":1}' }),
      event("output_item.done", { output_index: 2, item: { type, call_id: "c1", name: "f", [field]: '{"a":1}' } }),
    );
    expect(deltas).toEqual([
      { toolCalls: [{ index: 2, id: "c1", name: "f", ...(type === "mcp_call" && { isProviders: true }) }] },
      { toolCalls: [{ index: 2, arguments: '{"a"' }] },
      { toolCalls: [{ index: 2, arguments: ":1}" }] },
      NOTHING,
      NOTHING,
    ]);
  });

  test("a tool call's arguments once, when they come only complete", () => {
    const item = { type: "function_call", id: "fc1", name: "f", arguments: "" };
    const deltas = read(
      event("output_item.added", { output_index: 0, item }),
      event("function_call_arguments.done", { output_index: 0, arguments: "{}" }),
      event("function_call_arguments.done", { output_index: 0, arguments: "{}" }),
    );
    expect(together(deltas).calls).toEqual([{ id: "fc1", name: "f", arguments: "{}" }]);
  });

  test("NOTHING itself, when it is empty or unknown", () => {
    const deltas = read(
      event("created", { response: { usage: null } }),
      event("in_progress"),
      event("brand_new"),
      event("output_text.delta", { delta: "" }),
      event("output_text.done", { text: "hi" }),
      event("output_item.added", { item: { type: "message" } }),
      event("function_call_arguments.delta", { delta: "" }),
      { event: undefined, data: "[DONE]" },
    );
    for (const delta of deltas) expect(delta).toBe(NOTHING);
  });
});

describe("the end of a Responses stream", () => {
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 80, cache_write_tokens: 10 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 40 },
    total_tokens: 150,
  };
  const counts = {
    inputTokens: 100,
    outputTokens: 50,
    cacheReadTokens: 80,
    cacheWriteTokens: 10,
    reasoningTokens: 40,
  };

  test("is response.completed, with the usage", () => {
    expect(read(event("completed", { response: { usage } }))).toEqual([{ complete: "now", usage: counts }]);
  });

  test("is response.incomplete, with the reason as its finish", () => {
    const response = { usage, incomplete_details: { reason: "max_output_tokens" } };
    expect(read(event("incomplete", { response }))).toEqual([
      { complete: "now", usage: counts, finish: "max_output_tokens" },
    ]);
  });

  test("is recognised by the event's name when its data is broken", () => {
    expect(read({ event: "response.completed", data: '{"type":"response.completed"' })).toEqual([{ complete: "now" }]);
  });

  test("is response.failed, with the error and the usage there was", () => {
    const error = { code: "server_error", message: "broke" };
    expect(read(event("failed", { response: { error, usage } }), event("failed", { response: { error } }))).toEqual([
      { error: { type: "server_error", ...error }, usage: counts },
      { error: { type: "server_error", ...error } },
    ]);
  });

  test("is an error event, flat or nested, named or not", () => {
    const flat = { type: "error", code: "rate_limit_exceeded", message: "slow down", param: null };
    const nested = { type: "error", error: { code: "rate_limit_exceeded", message: "slow down" } };
    const { error } = nested;
    const failure = { error: { type: "rate_limit_exceeded", ...error } };
    expect(read(named(flat), named(nested), { event: undefined, data: JSON.stringify(flat) })).toEqual([
      failure,
      failure,
      failure,
    ]);
  });

  test("is a failure even without details, and broken data is not quoted", () => {
    const [named, broken] = read(event("failed", { response: null }), { event: "response.failed", data: '{"broken' });
    expect(named?.error).toBeDefined();
    expect(broken?.error).toEqual({});
  });
});

describe("the usage of a Responses stream", () => {
  const usageOf = (usage: object) => together(read(event("completed", { response: { usage } }))).usage;

  test.each<[string, object, object]>([
    [
      "a total beyond its parts is output",
      { input_tokens: 5, output_tokens: 7, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    [
      "a missing output is what the total has beyond the input",
      { input_tokens: 5, total_tokens: 40 },
      { inputTokens: 5, outputTokens: 35 },
    ],
    [
      "reasoning beyond the output was left out of it",
      { input_tokens: 5, output_tokens: 1, output_tokens_details: { reasoning_tokens: 9 } },
      { inputTokens: 5, outputTokens: 10, reasoningTokens: 9 },
    ],
    [
      "cached tokens beyond the input were left out of it",
      { input_tokens: 5, output_tokens: 1, input_tokens_details: { cached_tokens: 9 } },
      { inputTokens: 14, outputTokens: 1, cacheReadTokens: 9 },
    ],
  ])("%s", (_rule, usage, counts) => {
    expect(usageOf(usage)).toEqual(counts);
  });
});

describe("the answer in the last event of a Responses stream", () => {
  const output = [
    { type: "message", content: [{ type: "output_text", text: "hi" }] },
    { type: "function_call", call_id: "c1", name: "f", arguments: "{}" },
  ];

  test("is decoded if no piece of it came before", () => {
    expect(together(read(event("created"), event("completed", { response: { output } })))).toMatchObject({
      text: "hi",
      calls: [{ id: "c1", name: "f", arguments: "{}" }],
    });
  });

  test("is not decoded again if it came in pieces", () => {
    const pieces = [event("output_text.delta", { delta: "hi" }), event("completed", { response: { output } })];
    expect(together(read(...pieces))).toMatchObject({ text: "hi", calls: [] });
  });
});
