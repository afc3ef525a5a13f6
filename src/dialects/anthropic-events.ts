import {
  type CutShort,
  type Decoder,
  type Delta,
  NOTHING,
  type Source,
  type ToolCallDelta,
} from "../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import { AnthropicUsage } from "./anthropic-usage.ts";
import { type Draft, deltaOf } from "./reading/draft.ts";
import { isFailure, readFailure } from "./reading/failure.ts";
import { citedBy, foundPages } from "./reading/sources.ts";
import { asCount } from "./reading/token-counts.ts";

const LAST: Delta = Object.freeze({ complete: "now" });

/** Decodes one Messages stream: `message_start`, content blocks, `message_delta`, `message_stop`. */
export class AnthropicEvents implements Decoder {
  /** Added to block indexes, because a second `message_start` in one body counts its blocks from 0 again. */
  #base = 0;
  #next = 0;
  #begun = false;
  /** The provider's index of the block in progress. */
  #open: number | undefined;
  /** A stop reason came, and no content since. */
  #hasStopped = false;
  readonly #usage = new AnthropicUsage();

  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta {
    const event = asObject(value);
    switch (name === "error" ? name : (asString(event?.type) ?? name)) {
      case "content_block_delta":
        return this.#reopen(this.#blockDelta(event));
      case "content_block_start":
        this.#open = asCount(event?.index) ?? 0;
        return this.#reopen(this.#blockStart(event));
      case "content_block_stop":
        this.#open = undefined;
        return NOTHING;
      case "message_start":
        this.#begun = true;
        return this.#message(asObject(event?.message), true);
      case "message_delta":
        return this.#messageDelta(event);
      case "message":
        return { ...this.#message(event, false), ...LAST };
      case "message_stop":
        return LAST;
      case "error":
        return { error: readFailure(value, data) };
      default:
        return isFailure(value) ? { error: readFailure(value, data) } : NOTHING;
    }
  }

  cutShort(outputTokens: number): CutShort | undefined {
    if (!this.#begun) return undefined;
    const finish = "max_tokens";
    const usage = { output_tokens: Math.max(outputTokens, this.#usage.outputTokens) };
    const events = [
      ...(this.#open === undefined ? [] : [{ type: "content_block_stop", index: this.#open }]),
      { type: "message_delta", delta: { stop_reason: finish, stop_sequence: null }, usage },
      { type: "message_stop" },
    ];
    return { finish, events: events.map((event) => ({ name: event.type, data: JSON.stringify(event) })) };
  }

  #blockDelta(event: JsonObject | undefined): Delta {
    const delta = asObject(event?.delta);
    switch (delta?.type) {
      case "text_delta": {
        const text = asString(delta.text);
        return text ? { text } : NOTHING;
      }
      case "input_json_delta": {
        const json = asString(delta.partial_json);
        return json ? { toolCalls: [{ index: this.#base + (asCount(event?.index) ?? 0), arguments: json }] } : NOTHING;
      }
      case "thinking_delta": {
        const thinking = asString(delta.thinking);
        return thinking ? { thinking } : NOTHING;
      }
      case "signature_delta": {
        const signature = asString(delta.signature);
        return signature ? { thinkingSignature: signature } : NOTHING;
      }
      case "citations_delta": {
        const sources = citedBy(asObject(delta.citation));
        return sources.length > 0 ? { sources } : NOTHING;
      }
      default:
        return NOTHING;
    }
  }

  #blockStart(event: JsonObject | undefined): Delta {
    const draft: Draft = {};
    this.#block(asObject(event?.content_block), asCount(event?.index) ?? 0, draft);
    return deltaOf(draft);
  }

  /** `isStart`: from `message_start`, where the message is usually empty. */
  #message(message: JsonObject | undefined, isStart: boolean): Delta {
    const draft: Draft = {};
    this.#base = this.#next;
    // An answer that continues a server-side program arrives complete in `message_start`, stop reason included.
    asArray(message?.content).forEach((block, index) => {
      this.#block(asObject(block), index, draft);
    });
    this.#stop(message, draft);
    this.#count(message, draft, isStart && draft.finish === undefined);
    return deltaOf(draft);
  }

  #messageDelta(event: JsonObject | undefined): Delta {
    const draft: Draft = {};
    this.#count(event, draft, false);
    this.#stop(asObject(event?.delta), draft);
    return deltaOf(draft);
  }

  #stop(holder: JsonObject | undefined, draft: Draft): void {
    const reason = asString(holder?.stop_reason);
    if (!reason) return;
    draft.finish = reason;
    this.#hasStopped = true;
  }

  /** Content after a stop reason revokes the reason. */
  #reopen(delta: Delta): Delta {
    if (!this.#hasStopped) return delta;
    this.#hasStopped = false;
    return { ...delta, complete: "open" };
  }

  #block(block: JsonObject | undefined, position: number, draft: Draft): void {
    const index = this.#base + position;
    this.#next = Math.max(this.#next, index + 1);
    switch (block?.type) {
      case "text": {
        const text = asString(block.text);
        if (text) draft.text = (draft.text ?? "") + text;
        addSources(
          draft,
          asArray(block.citations).flatMap((citation) => citedBy(asObject(citation))),
        );
        break;
      }
      case "thinking": {
        const thinking = asString(block.thinking);
        const signature = asString(block.signature);
        if (thinking) draft.thinking = (draft.thinking ?? "") + thinking;
        if (signature) draft.thinkingSignature = signature;
        break;
      }
      case "tool_use":
      case "server_tool_use":
      case "mcp_tool_use":
        draft.toolCalls = [...(draft.toolCalls ?? []), toolCall(block, index)];
        break;
      default:
        if (block) addResult(block, draft);
    }
  }

  #count(holder: JsonObject | undefined, draft: Draft, isBegun: boolean): void {
    const usage = asObject(holder?.usage);
    const counts = usage && this.#usage.read(usage, isBegun);
    if (counts) draft.usage = counts;
  }
}

function addSources(draft: Draft, sources: readonly Source[]): void {
  if (sources.length > 0) draft.sources = [...(draft.sources ?? []), ...sources];
}

/** Results of tools at the provider are blocks of types such as `web_search_tool_result`. */
function addResult({ type, tool_use_id, content }: JsonObject, draft: Draft): void {
  const id = asString(tool_use_id);
  if (!id || !asString(type)?.endsWith("_tool_result")) return;
  draft.toolResults = [...(draft.toolResults ?? []), { id, output: withoutSecrets(content) }];
  addSources(draft, foundPages(content));
}

/** Encrypted fields are long, and clients would send them back with every question. */
function withoutSecrets(content: JsonValue | undefined): JsonValue {
  const items = Array.isArray(content) ? content : [content];
  const kept = items.map((item) => {
    const fields = asObject(item);
    if (!fields) return item ?? null;
    return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith("encrypted_")));
  });
  return Array.isArray(content) ? kept : (kept[0] ?? null);
}

/** Programmatic calls start with their complete input; others start with `{}` and stream it. */
function toolCall(block: JsonObject, index: number): ToolCallDelta {
  const id = asString(block.id);
  const name = asString(block.name);
  const input = asObject(block.input);
  return {
    index,
    ...(id && { id }),
    ...(name && { name }),
    ...(block.type !== "tool_use" && { isProviders: true }),
    ...(input && Object.keys(input).length > 0 && { arguments: JSON.stringify(input) }),
  };
}
