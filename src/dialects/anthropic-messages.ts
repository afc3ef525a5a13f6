import type { Conversation, Dialect, Message, Part } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, type JsonObject } from "../core/kernel/json.ts";
import { AnthropicEvents } from "./anthropic-events.ts";
import { asCount } from "./token-counts.ts";

const API_VERSION = "2023-06-01";

/** The API demands `max_tokens`. These hold when neither the caller nor the model's defaults give it. */
const MAX_TOKENS = 8_192;
/** Thinking counts towards `max_tokens`, so it needs room beside the answer. */
const MAX_TOKENS_THINKING = 32_000;
/** The smallest budget the API takes. */
const LEAST_THINKING = 1_024;

/** Anthropic's Messages API, `POST /v1/messages`. The base URL is given without `/v1`. */
export const anthropicMessages: Dialect = {
  name: "anthropic-messages",
  endsAtEof: false,

  address: (key) => ({
    path: "/v1/messages",
    headers: { "anthropic-version": API_VERSION, ...(key !== undefined && { "x-api-key": key }) },
  }),

  body: ({ body, model, whole }) => ({
    max_tokens: thinks(body) ? MAX_TOKENS_THINKING : MAX_TOKENS,
    ...body,
    ...(model !== undefined && { model }),
    stream: !whole,
  }),

  conversation: (turn) => ({
    ...(turn.system !== undefined && { system: turn.system }),
    messages: turn.messages.map(toMessage).filter((message) => message !== undefined),
    ...thinkingOf(turn),
  }),

  outputLimit: (body) => asCount(body.max_tokens),
  limited: (body, outputTokens) => ({ ...lessThinking(body, outputTokens), max_tokens: outputTokens }),

  decoder: () => new AnthropicEvents(),
};

/** A budget of tokens for thinking must be below the limit, and 1,024 or more: where both cannot be, it does not think. */
function lessThinking(body: JsonObject, outputTokens: number): JsonObject {
  const thinking = asObject(body.thinking);
  const budget = asCount(thinking?.budget_tokens);
  if (!thinking || budget === undefined || budget < outputTokens) return body;
  const { thinking: _, ...rest } = body;
  const half = Math.floor(outputTokens / 2);
  return half < LEAST_THINKING ? rest : { ...rest, thinking: { ...thinking, budget_tokens: half } };
}

function thinks(body: JsonObject): boolean {
  const thinking = asObject(body.thinking);
  return thinking !== undefined && thinking.type !== "disabled";
}

/**
 * Effort in the adaptive form, which the models from 4.6 on take; later ones refuse a budget of tokens. "off" asks for
 * nothing, because some models refuse to be told not to think.
 */
function thinkingOf({ thinking }: Conversation): JsonObject {
  if (thinking === undefined || thinking === "off") return {};
  return { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: thinking } };
}

/** Undefined when nothing is left that could be sent: the API refuses empty texts and answers that are thinking only. */
function toMessage({ role, content }: Message): JsonObject | undefined {
  const blocks = content.map((part) => toBlock(part, role)).filter((block) => block !== undefined);
  return blocks.some((block) => block.type !== "thinking") ? { role, content: blocks } : undefined;
}

function toBlock(part: Part, role: Message["role"]): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "thinking":
      // Unsigned thinking came from another provider: Anthropic verifies the signature and refuses the request.
      if (part.signature === undefined) return undefined;
      return { type: "thinking", thinking: part.text, signature: part.signature };
    case "image":
      if (role === "assistant") throw new GatewayError("unsupported", "an answer with an image cannot be sent back");
      return { type: "image", source: { type: "base64", media_type: part.mimeType, data: part.base64 } };
  }
}
