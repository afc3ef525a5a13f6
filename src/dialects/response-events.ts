import {
  type CutShort,
  type Decoder,
  type Delta,
  type MadeFile,
  NOTHING,
  type Source,
  type ToolCallDelta,
} from "../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue, parseJson } from "../core/kernel/json.ts";
import type { TokenCounts } from "../core/usage/usage.ts";
import type { Draft } from "./reading/draft.ts";
import { isFailure, readFailure } from "./reading/failure.ts";
import { annotated } from "./reading/sources.ts";
import { asCount } from "./reading/token-counts.ts";
import { readTokenUsage } from "./token-usage.ts";

const CALLS: ReadonlySet<string | undefined> = new Set(["function_call", "custom_tool_call", "mcp_call"]);

/** Decodes one Responses stream, up to its `response.completed`, `.incomplete` or `.failed`. */
export class ResponseEvents implements Decoder {
  /** Output indexes of calls whose arguments have begun to stream. */
  readonly #streamed = new Set<number>();
  /** The response's id, time and model, from `response.created`. */
  #response: JsonObject | undefined;
  /** Content came before the final event. */
  #hasSpoken = false;
  /** Finished items had files. */
  #hasMadeFiles = false;

  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta {
    const event = asObject(value);
    switch (name === "error" ? name : (asString(event?.type) ?? name)) {
      case "response.created":
        this.#created(asObject(event?.response));
        return NOTHING;
      case "response.output_text.delta":
      case "response.refusal.delta": {
        const text = asString(event?.delta);
        if (text) this.#hasSpoken = true;
        return text ? { text } : NOTHING;
      }
      case "response.reasoning_text.delta":
      case "response.reasoning_summary_text.delta": {
        const thinking = asString(event?.delta);
        if (thinking) this.#hasSpoken = true;
        return thinking ? { thinking } : NOTHING;
      }
      case "response.output_text.annotation.added":
        return foundIn([], annotated([event?.annotation ?? null]));
      case "response.output_item.added":
        return this.#item(event);
      case "response.output_item.done":
        return this.#finished(asObject(event?.item));
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
      case "response.mcp_call_arguments.delta":
        return this.#arguments(event, asString(event?.delta));
      case "response.function_call_arguments.done":
      case "response.mcp_call_arguments.done":
        return this.#completeArguments(event, asString(event?.arguments));
      case "response.custom_tool_call_input.done":
        return this.#completeArguments(event, asString(event?.input));
      case "response.completed":
      case "response.incomplete":
        return this.#ending(asObject(event?.response));
      case "response.failed":
        return { ...usageOf(asObject(event?.response)), error: failure(event?.response ?? value, data) };
      case "error":
        return { ...usageOf(asObject(event?.response)), error: failure(value, data) };
      default:
        if (event?.object === "response") return this.#unary(event, data);
        return isFailure(value) ? { error: readFailure(value, data) } : NOTHING;
    }
  }

  /** An answer to `stream: false`. */
  #unary(response: JsonObject, data: string): Delta {
    if (response.status === "failed") return { ...usageOf(response), error: failure(response, data) };
    return this.#ending(response);
  }

  /** Servers that stream no deltas send the complete output in the final event. */
  #ending(response: JsonObject | undefined): Delta {
    return this.#hasSpoken ? ending(response) : { ...ending(response), ...this.#output(response) };
  }

  #output(response: JsonObject | undefined): Delta {
    const items = asArray(response?.output).map((item) => asObject(item) ?? {});
    const text = textOf(items, "message", "content");
    const thinking = textOf(items, "reasoning", "summary") + textOf(items, "reasoning", "content");
    const toolCalls = items.flatMap((item, index) => (CALLS.has(asString(item.type)) ? [this.#call(item, index)] : []));
    return {
      ...(text !== "" && { text }),
      ...(thinking !== "" && { thinking }),
      ...(toolCalls.length > 0 && { toolCalls }),
      ...foundIn(this.#hasMadeFiles ? [] : items.flatMap(madeFile), items.flatMap(sourcesOf)),
    };
  }

  /** Without `output`, so that the vendor's client keeps the items it has assembled. */
  cutShort(_: number, last: string): CutShort | undefined {
    if (!this.#response) return undefined;
    const sequence = asCount(asObject(parseJson(last))?.sequence_number);
    const type = "response.incomplete";
    const finish = "max_output_tokens";
    const data = JSON.stringify({
      type,
      ...(sequence !== undefined && { sequence_number: sequence + 1 }),
      response: { ...this.#response, object: "response", status: "incomplete", incomplete_details: { reason: finish } },
    });
    return { finish, events: [{ name: type, data }] };
  }

  #created(response: JsonObject | undefined): void {
    this.#response = { id: response?.id, created_at: response?.created_at, model: response?.model };
  }

  #item(event: JsonObject | undefined): Delta {
    const item = asObject(event?.item);
    if (!item || !CALLS.has(asString(item.type))) return NOTHING;
    return { toolCalls: [this.#call(item, asCount(event?.output_index) ?? 0)] };
  }

  /** A finished item has all annotations, which some servers do not stream, and the picture that it stands for. */
  #finished(item: JsonObject | undefined): Delta {
    if (!item) return NOTHING;
    const files = madeFile(item);
    if (files.length > 0) this.#hasMadeFiles = true;
    return foundIn(files, sourcesOf(item));
  }

  #call(item: JsonObject, index: number): ToolCallDelta {
    const id = asString(item.call_id) ?? asString(item.id);
    const name = asString(item.name);
    this.#hasSpoken = true;
    const json = asString(item.arguments) ?? asString(item.input);
    if (json) this.#streamed.add(index);
    const isProviders = item.type === "mcp_call";
    return {
      index,
      ...(id && { id }),
      ...(name && { name }),
      ...(json && { arguments: json }),
      ...(isProviders && { isProviders }),
    };
  }

  #arguments(event: JsonObject | undefined, json: string | undefined): Delta {
    if (!json) return NOTHING;
    const index = asCount(event?.output_index) ?? 0;
    this.#streamed.add(index);
    return { toolCalls: [{ index, arguments: json }] };
  }

  /** LM Studio sends arguments only when they are complete; other servers have streamed them before. */
  #completeArguments(event: JsonObject | undefined, json: string | undefined): Delta {
    return this.#streamed.has(asCount(event?.output_index) ?? 0) ? NOTHING : this.#arguments(event, json);
  }
}

/** The concatenated texts of all items of a type. */
function textOf(items: readonly JsonObject[], type: string, parts: "content" | "summary"): string {
  const texts = items
    .filter((item) => item.type === type)
    .flatMap((item) => asArray(item[parts]))
    .map((part) => asString(asObject(part)?.text) ?? asString(asObject(part)?.refusal));
  return texts.join("");
}

const sourcesOf = ({ type, content }: JsonObject): readonly Source[] =>
  type === "message" ? asArray(content).flatMap((part) => annotated(asObject(part)?.annotations)) : [];

/** A picture by the provider's own tool. */
function madeFile({ type, result, output_format: format }: JsonObject): readonly MadeFile[] {
  const base64 = asString(result);
  if (type !== "image_generation_call" || !base64) return [];
  return [{ mimeType: `image/${asString(format) || "png"}`, base64 }];
}

function foundIn(files: readonly MadeFile[], sources: readonly Source[]): Delta {
  if (files.length === 0 && sources.length === 0) return NOTHING;
  return { ...(files.length > 0 && { files }), ...(sources.length > 0 && { sources }) };
}

/** An incomplete answer (length, content filter) completes the stream too: the provider ended it deliberately. */
function ending(response: JsonObject | undefined): Delta {
  const draft: Draft = { ...usageOf(response), complete: "now" };
  const reason = asString(asObject(response?.incomplete_details)?.reason);
  if (reason) draft.finish = reason;
  return draft;
}

/** In the flat form, `{type: "error", code, message}`, the failure is named by `code`. */
function failure(value: JsonValue | undefined, data: string) {
  const fields = asObject(value);
  return fields?.type === "error" && !fields.error
    ? readFailure({ ...fields, type: undefined }, data)
    : readFailure(value, data);
}

function usageOf(response: JsonObject | undefined): { usage?: TokenCounts } {
  const usage = readTokenUsage(response?.usage);
  return usage ? { usage } : {};
}
