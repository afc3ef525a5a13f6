import { asArray, asNumber, asObject, asString, type JsonObject } from "../core/kernel/json.ts";
import type { Beat, DemoDialect } from "./demo-dialect.ts";
import { openaiErrorBody } from "./openai-error.ts";
import { readPrompt } from "./prompt.ts";
import { padding, randomLetters } from "./random.ts";
import type { Script } from "./script.ts";

const FINISH_REASONS = { stop: "stop", length: "length", tool_call: "tool_calls" } as const;

/** OpenAI Chat Completions: unnamed events, usage only on request, and `[DONE]` at the end. */
export const openaiChat: DemoDialect = {
  path: "/v1/chat/completions",
  speaks: "OpenAI Chat Completions",

  prompt: (body) =>
    readPrompt({
      model: body.model,
      messages: body.messages,
      before: [body.tools],
      maxTokens: asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens),
      toolName: asString(asObject(asObject(asArray(body.tools)[0])?.function)?.name),
    }),

  *beats(script, { body, random, createdS }) {
    const options = asObject(body.stream_options);
    const withUsage = options?.include_usage === true;
    const padded = options?.include_obfuscation !== false;
    const common = {
      id: `chatcmpl-${randomLetters(random, 29)}`,
      object: "chat.completion.chunk",
      created: createdS,
      model: script.model,
      service_tier: "default",
      system_fingerprint: "fp_demo",
    };
    const chunk = (fields: JsonObject, hidden: string): JsonObject => ({
      ...common,
      ...fields,
      ...(padded && { obfuscation: padding(random, hidden) }),
    });
    const choice = (delta: JsonObject, hidden = "", finish: string | null = null): Beat => {
      const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
      return { data: chunk({ choices, ...(withUsage && { usage: null }) }, hidden) };
    };

    yield choice({ role: "assistant", content: "", refusal: null });
    for (const token of script.thinking) yield { ...choice({ reasoning_content: token }, token), token: true };
    for (const token of script.text) yield { ...choice({ content: token }, token), token: true };
    if (script.ending === "error") yield { data: openaiErrorBody(500, "The demo upstream was asked to fail.") };
    if (script.ending !== "complete") return;
    if (script.toolCall) {
      const { name, arguments: pieces } = script.toolCall;
      const call = { id: `call_${randomLetters(random, 24)}`, type: "function", function: { name, arguments: "" } };
      yield choice({ tool_calls: [{ index: 0, ...call }] });
      for (const piece of pieces) {
        const delta = { tool_calls: [{ index: 0, function: { arguments: piece } }] };
        yield { ...choice(delta, piece), token: true };
      }
    }
    yield choice({}, "", FINISH_REASONS[script.finish]);
    if (withUsage) yield { data: chunk({ choices: [], usage: usageOf(script) }, "") };
    yield { data: "[DONE]" };
  },

  unary(script, { random, createdS }) {
    const { thinking, text, toolCall } = script;
    const call = toolCall && { name: toolCall.name, arguments: toolCall.arguments.join("") };
    const message = {
      role: "assistant",
      content: text.join(""),
      refusal: null,
      ...(thinking.length > 0 && { reasoning_content: thinking.join("") }),
      ...(call && { tool_calls: [{ id: `call_${randomLetters(random, 24)}`, type: "function", function: call }] }),
    };
    return {
      id: `chatcmpl-${randomLetters(random, 29)}`,
      object: "chat.completion",
      created: createdS,
      model: script.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: FINISH_REASONS[script.finish] }],
      usage: usageOf(script),
      service_tier: "default",
      system_fingerprint: "fp_demo",
    };
  },

  errorBody: openaiErrorBody,
};

const usageOf = (script: Script): JsonObject => ({
  prompt_tokens: script.inputTokens,
  completion_tokens: script.outputTokens,
  total_tokens: script.inputTokens + script.outputTokens,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: script.thinking.length, audio_tokens: 0 },
});
