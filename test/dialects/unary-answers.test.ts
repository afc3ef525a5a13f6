import { describe, expect, test } from "@jest/globals";
import { anthropicMessages } from "../../src/dialects/anthropic-messages.ts";
import { openaiChat } from "../../src/dialects/openai-chat.ts";
import { openaiResponses } from "../../src/dialects/openai-responses.ts";
import { interpret, together, unnamed } from "../support/relay/interpret.ts";

const call = { id: "call_1", name: "get_weather", arguments: '{"city":"Paris"}' };

/** The same answer as each vendor gives it to a client that asked for no stream. */
const ANSWERS = [
  [
    anthropicMessages,
    {
      type: "message",
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "sig" },
        { type: "text", text: "It is sunny." },
        { type: "tool_use", id: call.id, name: call.name, input: { city: "Paris" } },
      ],
      stop_reason: "tool_use",
      usage: { input_tokens: 5, cache_read_input_tokens: 2, output_tokens: 9 },
    },
    { inputTokens: 7, outputTokens: 9, cacheReadTokens: 2 },
    "tool_use",
  ],
  [
    openaiChat,
    {
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "It is sunny.",
            reasoning_content: "Hm.",
            tool_calls: [{ id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } }],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 2 } },
    },
    { inputTokens: 7, outputTokens: 9, cacheReadTokens: 2 },
    "tool_calls",
  ],
  [
    openaiResponses,
    {
      object: "response",
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [
        { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] },
        { type: "message", content: [{ type: "output_text", text: "It is sunny." }] },
        { type: "function_call", call_id: call.id, name: call.name, arguments: call.arguments },
      ],
      usage: { input_tokens: 7, input_tokens_details: { cached_tokens: 2 }, output_tokens: 9 },
    },
    { inputTokens: 7, outputTokens: 9, cacheReadTokens: 2 },
    "max_output_tokens",
  ],
] as const;

describe("a unary answer", () => {
  test.each(ANSWERS.map((row) => [row[0].name, ...row] as const))(
    "of %s is complete, with its text, thinking, calls, usage and finish reason",
    (_, dialect, answer, usage, finish) => {
      expect(together(interpret(dialect, [unnamed(answer)]))).toEqual({
        text: "It is sunny.",
        thinking: "Hm.",
        calls: [call],
        sources: [],
        files: [],
        usage,
        finish,
        wholeAt: 0,
      });
    },
  );

  test("is requested with stream: false, whatever the client wrote", () => {
    for (const dialect of [anthropicMessages, openaiChat, openaiResponses]) {
      const body = { stream: true, input: "x" };
      expect(dialect.body({ body, model: "m", unary: true })).toMatchObject({ model: "m", stream: false, input: "x" });
    }
  });

  test("may report that it failed, or has only begun", () => {
    const [failed, queued] = interpret(openaiResponses, [
      unnamed({ object: "response", status: "failed", error: { code: "server_error", message: "broke" }, output: [] }),
      unnamed({ object: "response", status: "queued", error: null, output: [], usage: null }),
    ]);
    expect(failed).toEqual({ error: { type: "server_error", code: "server_error", message: "broke" } });
    expect(queued).toEqual({ complete: "now" });
    const error = { type: "overloaded_error", message: "Overloaded" };
    expect(interpret(anthropicMessages, [unnamed({ type: "error", error })])).toEqual([{ error }]);
  });
});
