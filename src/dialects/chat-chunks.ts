import {
  type CutShort,
  type Decoder,
  type Delta,
  type MadeFile,
  NOTHING,
  type ToolCallDelta,
} from "../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import { ChatUsage, holdsOnlyUsage } from "./chat-usage.ts";
import { ChatChoices, speaks, textLength } from "./reading/chat-choices.ts";
import { type Draft, deltaOf } from "./reading/draft.ts";
import { isFailure, readFailure } from "./reading/failure.ts";
import { annotated, listedPages } from "./reading/sources.ts";
import { asCount } from "./reading/token-counts.ts";

const LAST: Delta = Object.freeze({ complete: "now" });

/** Decodes one Chat Completions stream. Text, thinking and tool calls are those of the first choice. */
export class ChatChunks implements Decoder {
  readonly #choices: ChatChoices;
  readonly #usage = new ChatUsage();
  readonly #hidesUsage: boolean;
  /** The first chunk, most of whose fields every chunk repeats. */
  #first: JsonObject | undefined;
  /** The finish reason that came last. */
  #finish: string | undefined;
  #hasThought = false;
  #lastTool = -1;
  #lastToolId: string | undefined;

  /** `answers`: how many the request asked for. `hidesUsage`: hide chunks that only carry the usage. */
  constructor(answers = 1, hidesUsage = false) {
    this.#choices = new ChatChoices(answers);
    this.#hidesUsage = hidesUsage;
  }

  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta {
    const chunk = asObject(value);
    if (name === "error") return { error: readFailure(value, data) };
    if (!chunk) {
      if (isFailure(value)) return { error: readFailure(value, data) };
      return data.trim() === "[DONE]" ? this.#last() : NOTHING;
    }

    this.#first ??= chunk;
    const draft: Draft = {};
    const choices = asArray(chunk.choices);
    const isUnary = chunk.object === "chat.completion";
    const isHidden = this.#hidesUsage && holdsOnlyUsage(chunk, this.#first, this.#choices);
    let hasFailed = false;
    for (const item of choices) {
      const choice = asObject(item);
      if (!choice) continue;
      const reason = this.#choice(choice, draft);
      hasFailed ||= reason === "error";
      // A unary answer is complete without a finish reason, because its JSON is.
      if (isUnary && !choice.delta && asObject(choice.message)) draft.complete = "whole";
    }
    const pages = listedPages(chunk);
    if (pages.length > 0) draft.sources = [...(draft.sources ?? []), ...pages];
    const complete = this.#choices.news();
    if (complete && !draft.complete) draft.complete = complete;
    if (draft.complete && draft.complete !== "open" && this.#finish) draft.finish = this.#finish;
    const usage = this.#usage.read(chunk, choices);
    if (usage) draft.usage = usage;
    // OpenRouter ends a failed answer with the finish reason `error`; vLLM used to send the error itself as a chunk.
    if (hasFailed || isFailure(chunk)) {
      draft.error = readFailure(value, data);
      if (this.#finish) draft.finish = this.#finish;
      delete draft.complete;
    } else if (isHidden) draft.hidden = true;
    return deltaOf(draft);
  }

  cutShort(): CutShort | undefined {
    if (!this.#first) return undefined;
    const { id, created, model } = this.#first;
    const { open } = this.#choices;
    const choices = (open.length > 0 ? open : [0]).map((index) => ({ index, delta: {}, finish_reason: "length" }));
    const chunk = JSON.stringify({ id, created, model, object: "chat.completion.chunk", choices });
    return {
      finish: "length",
      events: [
        { name: undefined, data: chunk },
        { name: undefined, data: "[DONE]" },
      ],
    };
  }

  /** `[DONE]` ends the stream even if finish reasons are missing; the last one that came is reported. */
  #last(): Delta {
    return this.#finish === undefined ? LAST : { ...LAST, finish: this.#finish };
  }

  /** Reads one choice. Returns its finish reason, if it has one. */
  #choice(choice: JsonObject, draft: Draft): string | undefined {
    const index = asCount(choice.index) ?? 0;
    // A unary answer has `message` instead of `delta`.
    const delta = asObject(choice.delta) ?? asObject(choice.message);
    if (index === 0 && delta) this.#delta(delta, draft);
    else if (speaks(delta)) draft.otherCharacters = (draft.otherCharacters ?? 0) + textLength(delta);
    const finish = asString(choice.finish_reason) || undefined;
    this.#choices.note(index, delta, finish);
    if (finish) this.#finish = finish;
    return finish;
  }

  #delta(delta: JsonObject, draft: Draft): void {
    const { content } = delta;
    if (typeof content === "string") add(draft, "text", content);
    else for (const part of asArray(content)) addPart(draft, asObject(part));
    const refusal = asString(delta.refusal);
    if (refusal) add(draft, "text", refusal);

    const thinking = asString(delta.reasoning_content) ?? asString(delta.reasoning);
    // Even an empty first piece counts: Kimi requires exactly the reasoning it sent.
    if (thinking !== undefined && (thinking !== "" || !this.#hasThought)) {
      this.#hasThought = true;
      draft.thinking = (draft.thinking ?? "") + thinking;
    }
    const calls = asArray(delta.tool_calls);
    if (calls.length > 0) this.#toolCalls(calls, draft);
    const sources = delta.annotations === undefined ? [] : annotated(delta.annotations);
    if (sources.length > 0) draft.sources = sources;
    const files = delta.images === undefined ? [] : asArray(delta.images).flatMap(madeFile);
    if (files.length > 0) draft.files = files;
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
      // Alibaba repeats an empty id and Mistral an empty name in every piece.
      if (id || name || json) {
        deltas.push({ index, ...(id && { id }), ...(name && { name }), ...(json && { arguments: json }) });
      }
    }
    if (deltas.length > 0) draft.toolCalls = deltas;
  }

  /** Mistral sends complete calls without an index: each new id is the next call. */
  #toolIndex(given: number | undefined, id: string | undefined): number {
    if (given !== undefined) this.#lastTool = given;
    else if (this.#lastTool < 0 || (id && id !== this.#lastToolId)) this.#lastTool++;
    if (id) this.#lastToolId = id;
    return this.#lastTool;
  }
}

/** A picture, as OpenRouter sends it. */
function madeFile(image: JsonValue): readonly MadeFile[] {
  const url = asString(asObject(asObject(image)?.image_url)?.url) ?? "";
  const [prefix, mimeType] = /^data:(image\/[a-z0-9.+-]+);base64,/i.exec(url) ?? [];
  return prefix && mimeType ? [{ mimeType, base64: url.slice(prefix.length) }] : [];
}

function add(draft: Draft, field: "text" | "thinking", more: string): void {
  if (more !== "") draft[field] = (draft[field] ?? "") + more;
}

/** Mistral's reasoning models send content as parts: `text`, and `thinking` that consists of texts. */
function addPart(draft: Draft, part: JsonObject | undefined): void {
  if (part?.type === "text") add(draft, "text", asString(part.text) ?? "");
  else if (part?.type === "thinking") {
    for (const inner of asArray(part.thinking)) add(draft, "thinking", asString(asObject(inner)?.text) ?? "");
  }
}
