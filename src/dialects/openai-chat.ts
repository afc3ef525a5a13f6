import type { Conversation, Dialect, Message } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { asObject, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import { ChatChunks } from "./chat-chunks.ts";
import { asCount } from "./reading/token-counts.ts";

/** Two names for the output limit: OpenAI's newer models reject `max_tokens`, other servers do not know the other one. */
const LIMITS = ["max_completion_tokens", "max_tokens"] as const;

/** OpenAI's Chat Completions, and every server that implements it: Moonshot, DeepSeek, vLLM … The base URL includes `/v1`. */
export const openaiChat: Dialect = {
  name: "openai-chat",
  endsAtEof: false,

  address: (key) => ({
    path: "/chat/completions",
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  }),

  body: ({ body, model, unary, includeUsage = true }) => ({
    ...body,
    ...(model !== undefined && { model }),
    stream: !unary,
    // Without it a stream reports no usage to bill by.
    ...(!unary && includeUsage && { stream_options: { ...asObject(body.stream_options), include_usage: true } }),
  }),

  // Sets no output limit, because Moonshot and OpenAI disagree about its name.
  conversation: (turn) => ({
    messages: [
      ...(turn.system === undefined ? [] : [{ role: "system", content: turn.system }]),
      ...turn.messages.flatMap(toMessages),
    ],
    ...(turn.tools && { tools: turn.tools.map((tool) => ({ type: "function", function: { ...tool } })) }),
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

/** The number of answers requested (`n`). The output limit applies to each. */
const answers = (body: JsonObject): number => Math.max(1, asCount(body.n) ?? 1);

/** "off" sets nothing: providers spell it differently, and models without reasoning reject it. */
function effort({ thinking }: Conversation): JsonObject {
  return thinking === undefined || thinking === "off" ? {} : { reasoning_effort: thinking };
}

/** None for a message without content, which providers reject. Each result of a tool is a message of its own. */
function toMessages({ role, content }: Message): readonly JsonObject[] {
  const message = role === "user" ? userMessage(content) : assistantMessage(content);
  const results = content.filter((part) => part.type === "toolResult");
  return [
    ...results.map(({ id, text }) => ({ role: "tool", tool_call_id: id, content: text })),
    ...(message ? [message] : []),
  ];
}

function userMessage(parts: Message["content"]): JsonObject | undefined {
  const content = parts.map(toContent).filter((part) => part !== undefined);
  const [first] = content;
  if (!first) return undefined;
  // Some compatible servers accept only a string, so a single text is sent as one.
  return { role: "user", content: content.length === 1 && first.type === "text" ? first.text : content };
}

function toContent(part: Message["content"][number]): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "image":
      return { type: "image_url", image_url: { url: `data:${part.mimeType};base64,${part.base64}` } };
    case "document":
      return {
        type: "file",
        file: { filename: part.fileName, file_data: `data:${part.mimeType};base64,${part.base64}` },
      };
    case "thinking":
    case "toolCall":
    case "toolResult":
      return undefined;
  }
}

/**
 * Reasoning goes back unchanged, even the empty string: Kimi and DeepSeek reject the conversation without it. Signed thinking
 * is Anthropic's and is left out.
 */
function assistantMessage(parts: Message["content"]): JsonObject | undefined {
  let text = "";
  let reasoning: JsonValue | undefined;
  const calls: JsonObject[] = [];
  for (const part of parts) {
    if (part.type === "text") text += part.text;
    else if (part.type === "image" || part.type === "document")
      throw new GatewayError("unsupported", "assistant messages with images cannot be sent to this provider");
    else if (part.type === "toolCall")
      calls.push({ id: part.id, type: "function", function: { name: part.name, arguments: part.arguments } });
    else if (part.type === "thinking" && part.signature === undefined) reasoning = (reasoning ?? "") + part.text;
  }
  if (text === "" && calls.length === 0) return undefined;
  return {
    role: "assistant",
    content: text === "" ? null : text,
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
  };
}
