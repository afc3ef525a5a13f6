import { asArray, asNumber, asObject, asString, type JsonObject } from "../core/kernel/json.ts";
import type { AnswerContext, DemoDialect } from "./demo-dialect.ts";
import { openaiErrorBody } from "./openai-error.ts";
import { readPrompt } from "./prompt.ts";
import { padding, type Random, randomLetters } from "./random.ts";
import type { Script } from "./script.ts";

/** OpenAI Responses: typed, numbered events; output items that open and close; a last event with the whole response. */
export const openaiResponses: DemoDialect = {
  path: "/v1/responses",
  speaks: "OpenAI Responses",

  prompt: (body) =>
    readPrompt({
      model: body.model,
      messages: body.input,
      before: [body.instructions, body.tools],
      maxTokens: asNumber(body.max_output_tokens),
      toolName: asString(asObject(asArray(body.tools)[0])?.name),
    }),

  *beats(script, context) {
    let sequence = 0;
    for (const { type, token, ...fields } of answer(script, context)) {
      yield { event: type, data: { type, sequence_number: sequence++, ...fields }, ...(token && { token }) };
    }
  },

  unary(script, context) {
    // The last event holds the whole response.
    const last = [...answer(script, context)].at(-1);
    return asObject(last?.response) ?? {};
  },

  errorBody: openaiErrorBody,
};

type Step = { readonly type: string; readonly token?: true } & JsonObject;
type Steps = Generator<Step, JsonObject>;

/** The events in order, before they are numbered. */
function* answer(script: Script, context: AnswerContext): Generator<Step> {
  const id = `resp_${randomLetters(context.random, 48)}`;
  const response = (status: string, more: JsonObject = {}) => ({
    response: {
      id,
      object: "response",
      created_at: context.createdS,
      status,
      error: null,
      incomplete_details: null,
      instructions: context.body.instructions ?? null,
      max_output_tokens: context.body.max_output_tokens ?? null,
      model: script.model,
      output: [],
      parallel_tool_calls: true,
      previous_response_id: null,
      store: false,
      tools: context.body.tools ?? [],
      usage: null,
      ...more,
    },
  });
  yield { type: "response.created", ...response("in_progress") };
  yield { type: "response.in_progress", ...response("in_progress") };

  const output: JsonObject[] = [];
  if (script.thinking.length > 0) output.push(yield* reasoningItem(script, context.random, output.length));
  if (script.text.length > 0) output.push(yield* messageItem(script, context.random, output.length));
  if (script.ending === "error") {
    const error = { code: "server_error", message: "The demo upstream was asked to fail." };
    yield { type: "error", error: { type: "server_error", ...error, param: null } };
    yield { type: "response.failed", ...response("failed", { error }) };
  }
  if (script.ending !== "complete") return;
  if (script.toolCall) output.push(yield* callItem(script.toolCall, context.random, output.length));

  const cut = script.finish === "length";
  const ended = {
    output,
    incomplete_details: cut ? { reason: "max_output_tokens" } : null,
    usage: {
      input_tokens: script.inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: script.outputTokens,
      output_tokens_details: { reasoning_tokens: script.thinking.length },
      total_tokens: script.inputTokens + script.outputTokens,
    },
  };
  const status = cut ? "incomplete" : "completed";
  yield { type: `response.${status}`, ...response(status, ended) };
}

function* reasoningItem(script: Script, random: Random, output_index: number): Steps {
  const item = { id: `rs_${randomLetters(random, 48)}`, type: "reasoning" };
  const at = { item_id: item.id, output_index, summary_index: 0 };
  const text = script.thinking.join("");
  const part = { type: "summary_text", text };
  yield { type: "response.output_item.added", output_index, item: { ...item, summary: [] } };
  yield { type: "response.reasoning_summary_part.added", ...at, part: { ...part, text: "" } };
  for (const token of script.thinking) {
    const obfuscation = padding(random, token);
    yield { type: "response.reasoning_summary_text.delta", ...at, delta: token, obfuscation, token: true };
  }
  yield { type: "response.reasoning_summary_text.done", ...at, text };
  yield { type: "response.reasoning_summary_part.done", ...at, part };
  const whole = { ...item, summary: [part] };
  yield { type: "response.output_item.done", output_index, item: whole };
  return whole;
}

function* messageItem(script: Script, random: Random, output_index: number): Steps {
  const item = { id: `msg_${randomLetters(random, 48)}`, type: "message", role: "assistant" };
  const at = { item_id: item.id, output_index, content_index: 0 };
  const text = script.text.join("");
  const part = { type: "output_text", annotations: [], logprobs: [], text };
  yield { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } };
  yield { type: "response.content_part.added", ...at, part: { ...part, text: "" } };
  for (const token of script.text) {
    const obfuscation = padding(random, token);
    yield { type: "response.output_text.delta", ...at, delta: token, logprobs: [], obfuscation, token: true };
  }
  const whole = { ...item, status: script.finish === "length" ? "incomplete" : "completed", content: [part] };
  if (script.ending !== "complete") return whole;
  yield { type: "response.output_text.done", ...at, text, logprobs: [] };
  yield { type: "response.content_part.done", ...at, part };
  yield { type: "response.output_item.done", output_index, item: whole };
  return whole;
}

function* callItem(call: NonNullable<Script["toolCall"]>, random: Random, output_index: number): Steps {
  const item = {
    id: `fc_${randomLetters(random, 48)}`,
    type: "function_call",
    call_id: `call_${randomLetters(random, 24)}`,
    name: call.name,
  };
  const at = { item_id: item.id, output_index };
  const whole = { ...item, status: "completed", arguments: call.arguments.join("") };
  yield { type: "response.output_item.added", output_index, item: { ...whole, status: "in_progress", arguments: "" } };
  for (const piece of call.arguments) {
    const obfuscation = padding(random, piece);
    yield { type: "response.function_call_arguments.delta", ...at, delta: piece, obfuscation, token: true };
  }
  yield { type: "response.function_call_arguments.done", ...at, arguments: whole.arguments };
  yield { type: "response.output_item.done", output_index, item: whole };
  return whole;
}
