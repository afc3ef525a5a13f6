import { asArray, asNumber, asObject, asString, type JsonObject, parseJson } from "../core/kernel/json.ts";
import type { Beat, DemoDialect } from "./demo-dialect.ts";
import { readPrompt } from "./prompt.ts";
import { randomLetters } from "./random.ts";
import type { Script } from "./script.ts";

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};
const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tool_call: "tool_use" } as const;

/** Events are named by their type. */
const beat = (data: JsonObject & { readonly type: string }): Beat => ({ event: data.type, data });
const delta = (index: number, data: JsonObject): Beat => ({
  ...beat({ type: "content_block_delta", index, delta: data }),
  token: true,
});

const usage = (script: Script, outputTokens: number): JsonObject => ({
  input_tokens: script.inputTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: outputTokens,
});

/** Anthropic Messages: content blocks, cumulative usage in `message_delta`, and `message_stop` at the end. */
export const anthropicMessages: DemoDialect = {
  path: "/v1/messages",
  speaks: "Anthropic Messages",

  prompt: (body) =>
    readPrompt({
      model: body.model,
      messages: body.messages,
      before: [body.system, body.tools],
      maxTokens: asNumber(body.max_tokens),
      toolName: asString(asObject(asArray(body.tools)[0])?.name),
    }),

  *beats(script, { random }) {
    const message = {
      model: script.model,
      id: `msg_01${randomLetters(random, 22)}`,
      type: "message",
      role: "assistant",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...usage(script, 1), service_tier: "standard" },
    };
    yield beat({ type: "message_start", message });
    let index = 0;
    const start = (block: JsonObject) => beat({ type: "content_block_start", index, content_block: block });
    const stop = () => beat({ type: "content_block_stop", index: index++ });

    if (script.thinking.length > 0) {
      yield start({ type: "thinking", thinking: "", signature: "" });
      yield beat({ type: "ping" });
      for (const token of script.thinking) yield delta(index, { type: "thinking_delta", thinking: token });
      yield delta(index, { type: "signature_delta", signature: randomLetters(random, 96) });
      yield stop();
    }
    if (script.text.length > 0) {
      yield start({ type: "text", text: "" });
      yield beat({ type: "ping" });
      for (const token of script.text) yield delta(index, { type: "text_delta", text: token });
      if (script.ending === "complete") yield stop();
    }
    if (script.ending === "error") {
      const error = { type: "overloaded_error", message: "The demo upstream was asked to fail." };
      yield beat({ type: "error", error, request_id: `req_01${randomLetters(random, 22)}` });
    }
    if (script.ending !== "complete") return;
    if (script.toolCall) {
      const { name, arguments: pieces } = script.toolCall;
      yield start({ type: "tool_use", id: `toolu_01${randomLetters(random, 22)}`, name, input: {} });
      for (const piece of ["", ...pieces]) yield delta(index, { type: "input_json_delta", partial_json: piece });
      yield stop();
    }
    yield beat({
      type: "message_delta",
      delta: { stop_reason: STOP_REASONS[script.finish], stop_sequence: null },
      usage: usage(script, script.outputTokens),
    });
    yield beat({ type: "message_stop" });
  },

  unary(script, { random }) {
    const { thinking, text, toolCall } = script;
    const content: JsonObject[] = [];
    if (thinking.length > 0) {
      content.push({ type: "thinking", thinking: thinking.join(""), signature: randomLetters(random, 96) });
    }
    if (text.length > 0) content.push({ type: "text", text: text.join("") });
    if (toolCall) {
      const input = parseJson(toolCall.arguments.join("")) ?? {};
      content.push({ type: "tool_use", id: `toolu_01${randomLetters(random, 22)}`, name: toolCall.name, input });
    }
    return {
      model: script.model,
      id: `msg_01${randomLetters(random, 22)}`,
      type: "message",
      role: "assistant",
      content,
      stop_reason: STOP_REASONS[script.finish],
      stop_sequence: null,
      usage: { ...usage(script, script.outputTokens), service_tier: "standard" },
    };
  },

  errorBody: (status, message) => ({
    type: "error",
    error: { type: ERROR_TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), message },
    request_id: "req_demo",
  }),
};
