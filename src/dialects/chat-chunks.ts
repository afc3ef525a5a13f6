import { type CutShort, type Decoder, type Delta, NOTHING, type ToolCallDelta } from "../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import type { TokenCounts } from "../core/usage/usage.ts";
import { type Draft, deltaOf } from "./draft.ts";
import { isFailure, readFailure } from "./failure.ts";
import { asCount, tokenCounts } from "./token-counts.ts";

const LAST: Delta = Object.freeze({ complete: "now" });

/** Reads the chunks of one Chat Completions stream. Text, thinking and tool calls are those of the first choice. */
export class ChatChunks implements Decoder {
  /** Choices that began and have no finish reason yet. */
  readonly #open = new Set<number>();
  /** What every chunk repeats; undefined before the first. */
  #chunk: JsonObject | undefined;
  #hasThought = false;
  #lastTool = -1;
  #lastToolId: string | undefined;
  readonly #hidesUsage: boolean;

  /** `hidesUsage`: the chunk with nothing but the usage is for the gateway alone. */
  constructor(hidesUsage = false) {
    this.#hidesUsage = hidesUsage;
  }

  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta {
    const chunk = asObject(value);
    if (name === "error") return { error: readFailure(value, data) };
    if (!chunk) {
      if (isFailure(value)) return { error: readFailure(value, data) };
      return data.trim() === "[DONE]" ? LAST : NOTHING;
    }

    this.#chunk ??= { id: chunk.id, created: chunk.created, model: chunk.model };
    const draft: Draft = {};
    const choices = asArray(chunk.choices);
    for (const choice of choices) this.#choice(asObject(choice), draft);
    const usage = readUsage(chunk.usage) ?? readUsage(asObject(choices[0])?.usage) ?? readUsage(groqUsage(chunk));
    if (usage) draft.usage = usage;
    if (usage && this.#hidesUsage && Array.isArray(chunk.choices) && choices.length === 0 && !isFailure(chunk)) {
      draft.hidden = true;
    }
    // OpenRouter closes a failed answer with this reason; vLLM used to send the error as the chunk itself.
    if (draft.finish === "error" || isFailure(chunk)) {
      draft.error = readFailure(value, data);
      delete draft.complete;
    }
    return deltaOf(draft);
  }

  cutShort(): CutShort | undefined {
    if (!this.#chunk) return undefined;
    const open = this.#open.size > 0 ? [...this.#open] : [0];
    const choices = open.map((index) => ({ index, delta: {}, finish_reason: "length" }));
    const chunk = JSON.stringify({ ...this.#chunk, object: "chat.completion.chunk", choices });
    return {
      finish: "length",
      events: [
        { name: undefined, data: chunk },
        { name: undefined, data: "[DONE]" },
      ],
    };
  }

  #choice(choice: JsonObject | undefined, draft: Draft): void {
    if (!choice) return;
    const index = asCount(choice.index) ?? 0;
    // A whole answer has the message in place of its pieces.
    const delta = asObject(choice.delta) ?? asObject(choice.message);
    if (index === 0 && delta) this.#delta(delta, draft);
    const finish = asString(choice.finish_reason);
    if (!finish) this.#open.add(index);
    else {
      this.#open.delete(index);
      draft.finish = finish;
      // Usage and `[DONE]` may follow, but with every choice finished nothing of the answer is missing.
      if (this.#open.size === 0) draft.complete = "at_end";
    }
  }

  #delta(delta: JsonObject, draft: Draft): void {
    const { content } = delta;
    if (typeof content === "string") add(draft, "text", content);
    else for (const part of asArray(content)) addPart(draft, asObject(part));
    const refusal = asString(delta.refusal);
    if (refusal) add(draft, "text", refusal);

    const thinking = asString(delta.reasoning_content) ?? asString(delta.reasoning);
    // An empty first piece counts: Kimi wants to get back exactly the reasoning it sent.
    if (thinking !== undefined && (thinking !== "" || !this.#hasThought)) {
      this.#hasThought = true;
      draft.thinking = (draft.thinking ?? "") + thinking;
    }
    const calls = asArray(delta.tool_calls);
    if (calls.length > 0) this.#toolCalls(calls, draft);
  }

  #toolCalls(calls: readonly JsonValue[], draft: Draft): void {
    const deltas: ToolCallDelta[] = [];
    for (const item of calls) {
      const call = asObject(item);
      if (!call) continue;
      const id = asString(call.id);
      const name = asString(asObject(call.function)?.name);
      const json = asString(asObject(call.function)?.arguments);
      const index = this.#toolIndex(asCount(call.index), id);
      // Alibaba repeats an empty id, Mistral an empty name, on every piece.
      if (id || name || json) {
        deltas.push({ index, ...(id && { id }), ...(name && { name }), ...(json && { arguments: json }) });
      }
    }
    if (deltas.length > 0) draft.toolCalls = deltas;
  }

  /** Mistral sends whole calls without an index: then each new id is the next call. */
  #toolIndex(given: number | undefined, id: string | undefined): number {
    if (given !== undefined) this.#lastTool = given;
    else if (this.#lastTool < 0 || (id && id !== this.#lastToolId)) this.#lastTool++;
    if (id) this.#lastToolId = id;
    return this.#lastTool;
  }
}

function add(draft: Draft, field: "text" | "thinking", more: string): void {
  if (more !== "") draft[field] = (draft[field] ?? "") + more;
}

/** Mistral's reasoning models send content as parts: `text`, and `thinking` made of texts. */
function addPart(draft: Draft, part: JsonObject | undefined): void {
  if (part?.type === "text") add(draft, "text", asString(part.text) ?? "");
  else if (part?.type === "thinking") {
    for (const inner of asArray(part.thinking)) add(draft, "thinking", asString(asObject(inner)?.text) ?? "");
  }
}

const groqUsage = (chunk: JsonObject): JsonValue | undefined => asObject(chunk.x_groq)?.usage;

function readUsage(value: JsonValue | undefined): TokenCounts | undefined {
  const usage = asObject(value);
  if (!usage) return undefined;
  const input = asCount(usage.prompt_tokens);
  const reasoning =
    asCount(asObject(usage.completion_tokens_details)?.reasoning_tokens) ?? asCount(usage.reasoning_tokens);
  const prompt = asObject(usage.prompt_tokens_details);
  return tokenCounts({
    inputTokens: input,
    outputTokens: outputTokens(usage, input, reasoning),
    // Moonshot's, OpenAI's and DeepSeek's name for the same figure.
    cacheReadTokens:
      asCount(usage.cached_tokens) ?? asCount(prompt?.cached_tokens) ?? asCount(usage.prompt_cache_hit_tokens),
    cacheWriteTokens: asCount(prompt?.cache_write_tokens),
    reasoningTokens: reasoning,
  });
}

/** xAI leaves reasoning out of `completion_tokens`, the others count it in; the total tells which. */
function outputTokens(usage: JsonObject, input = 0, reasoning = 0): number | undefined {
  const output = asCount(usage.completion_tokens);
  if (output === undefined) return undefined;
  return asCount(usage.total_tokens) === input + output + reasoning ? output + reasoning : output;
}
