import type { Conversation, Dialect, Message } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, type JsonObject, parseJson } from "../core/kernel/json.ts";
import { AnthropicEvents } from "./anthropic-events.ts";
import { asCount } from "./reading/token-counts.ts";

const API_VERSION = "2023-06-01";

/** The API requires `max_tokens`. Used if neither the caller nor the model's defaults set it. */
const MAX_TOKENS = 8_192;
/** Thinking counts towards `max_tokens`, so it needs room of its own. */
const MAX_TOKENS_THINKING = 32_000;
/** The smallest thinking budget the API accepts. */
const LEAST_THINKING = 1_024;

/** Anthropic's Messages API, `POST /v1/messages`. The base URL excludes `/v1`. */
export const anthropicMessages: Dialect = {
  name: "anthropic-messages",
  endsAtEof: false,

  address: (key) => ({
    path: "/v1/messages",
    headers: { "anthropic-version": API_VERSION, ...(key !== undefined && { "x-api-key": key }) },
  }),

  body: ({ body, model, unary }) => ({
    max_tokens: thinks(body) ? MAX_TOKENS_THINKING : MAX_TOKENS,
    ...body,
    ...(model !== undefined && { model }),
    stream: !unary,
  }),

  conversation: (turn) => ({
    ...(turn.system !== undefined && { system: turn.system }),
    messages: turn.messages.map(toMessage).filter((message) => message !== undefined),
    ...(turn.tools && {
      tools: turn.tools.map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters })),
    }),
    ...thinkingOf(turn),
  }),

  outputLimit: (body) => asCount(body.max_tokens),
  limited: (body, outputTokens) => ({ ...lessThinking(body, outputTokens), max_tokens: outputTokens }),

  decoder: () => new AnthropicEvents(),
};

/** Keeps the thinking budget below the limit. If that leaves less than the API's minimum, thinking is switched off. */
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
 * Effort in the adaptive form, which models accept from 4.6 on; later models reject a token budget. "off" sets nothing,
 * because some models reject `disabled`.
 */
function thinkingOf({ thinking }: Conversation): JsonObject {
  if (thinking === undefined || thinking === "off") return {};
  return { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: thinking } };
}

/** Undefined if nothing can be sent: the API rejects empty texts and assistant messages of thinking only. */
function toMessage({ role, content }: Message): JsonObject | undefined {
  const blocks = content.map((part) => toBlock(part, role)).filter((block) => block !== undefined);
  return blocks.some((block) => block.type !== "thinking") ? { role, content: blocks } : undefined;
}

function toBlock(part: Message["content"][number], role: Message["role"]): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "thinking":
      // Unsigned thinking is from another provider. Anthropic verifies signatures and would reject the request.
      if (part.signature === undefined) return undefined;
      return { type: "thinking", thinking: part.text, signature: part.signature };
    case "image":
      if (role === "assistant")
        throw new GatewayError("unsupported", "assistant messages with images cannot be sent to this provider");
      return { type: "image", source: { type: "base64", media_type: part.mimeType, data: part.base64 } };
    case "document":
      if (role === "assistant")
        throw new GatewayError("unsupported", "assistant messages with files cannot be sent to this provider");
      return {
        type: "document",
        source: { type: "base64", media_type: part.mimeType, data: part.base64 },
        title: part.fileName,
      };
    case "toolCall":
      return { type: "tool_use", id: part.id, name: part.name, input: asObject(parseJson(part.arguments)) ?? {} };
    case "toolResult":
      return {
        type: "tool_result",
        tool_use_id: part.id,
        content: part.text,
        ...(part.isError === true && { is_error: true }),
      };
  }
}
