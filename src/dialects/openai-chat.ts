import type { Conversation, Dialect, Message, Part } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import { ChatChunks } from "./chat-chunks.ts";
import { asCount } from "./token-counts.ts";

/** Two names for the limit of an answer: newer models of OpenAI refuse the one, other servers do not know the other. */
const LIMITS = ["max_completion_tokens", "max_tokens"] as const;

/** OpenAI's Chat Completions and everything that speaks it: Moonshot, DeepSeek, vLLM … The base URL includes `/v1`. */
export const openaiChat: Dialect = {
  name: "openai-chat",
  endsAtEof: false,

  address: (key) => ({
    path: "/chat/completions",
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  }),

  body: ({ body, model, whole, includeUsage = true }) => ({
    ...body,
    ...(model !== undefined && { model }),
    stream: !whole,
    // Without it there is no usage in a stream, and nothing to bill by.
    ...(!whole && includeUsage && { stream_options: { ...asObject(body.stream_options), include_usage: true } }),
  }),

  // No limit on the answer's length is asked for: Moonshot and OpenAI disagree about that parameter's name.
  conversation: (turn) => ({
    messages: [
      ...(turn.system === undefined ? [] : [{ role: "system", content: turn.system }]),
      ...turn.messages.map(toMessage).filter((message) => message !== undefined),
    ],
    ...effort(turn),
  }),

  outputLimit(body) {
    const limit = Math.min(...LIMITS.map((name) => asCount(body[name]) ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(limit) ? limit * answers(body) : undefined;
  },

  limited(body, outputTokens) {
    const each = Math.max(1, Math.floor(outputTokens / answers(body)));
    const stated = LIMITS.filter((name) => asCount(body[name]) !== undefined);
    return {
      ...body,
      ...Object.fromEntries(stated.map((name) => [name, Math.min(each, asCount(body[name]) ?? each)])),
    };
  },

  usageRequest: {
    isAdded: (asked) => !asksUsage(asked),
    isRefusedBy: (refusal) => /stream_options|include_usage/.test(refusal),
    without: ({ stream_options: options, ...rest }) => {
      const { include_usage: _, ...others } = asObject(options) ?? {};
      return Object.keys(others).length > 0 ? { ...rest, stream_options: others } : rest;
    },
  },

  decoder: (asked, hidesUsage) => new ChatChunks(asked && answers(asked), hidesUsage),
};

const asksUsage = (body: JsonObject): boolean => asObject(body.stream_options)?.include_usage === true;

/** How many answers the request wants; each may be as long as its limit says. */
const answers = (body: JsonObject): number => Math.max(1, asCount(body.n) ?? 1);

/** "off" asks for nothing: providers disagree about how to say it, and models that cannot think refuse to be told. */
function effort({ thinking }: Conversation): JsonObject {
  return thinking === undefined || thinking === "off" ? {} : { reasoning_effort: thinking };
}

/** Undefined for a message without any content, which providers refuse. */
function toMessage({ role, content }: Message): JsonObject | undefined {
  return role === "user" ? userMessage(content) : assistantMessage(content);
}

function userMessage(parts: readonly Part[]): JsonObject | undefined {
  const content = parts.map(toContent).filter((part) => part !== undefined);
  const [first] = content;
  if (!first) return undefined;
  // Some compatible servers take a plain string only, so one text is sent as one.
  return { role: "user", content: content.length === 1 && first.type === "text" ? first.text : content };
}

function toContent(part: Part): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "image":
      return { type: "image_url", image_url: { url: `data:${part.mimeType};base64,${part.base64}` } };
    case "thinking":
      return undefined;
  }
}

/**
 * Reasoning goes back as it came, the empty string included: Kimi and DeepSeek refuse the conversation without it.
 * Signed thinking is Anthropic's and stays out.
 */
function assistantMessage(parts: readonly Part[]): JsonObject | undefined {
  let text = "";
  let reasoning: JsonValue | undefined;
  for (const part of parts) {
    if (part.type === "text") text += part.text;
    else if (part.type === "image")
      throw new GatewayError("unsupported", "an answer with an image cannot be sent back");
    else if (part.signature === undefined) reasoning = (reasoning ?? "") + part.text;
  }
  if (text === "") return undefined;
  return { role: "assistant", content: text, ...(reasoning !== undefined && { reasoning_content: reasoning }) };
}
