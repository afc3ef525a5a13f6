import type { Conversation, Dialect, Message } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { JsonObject } from "../core/kernel/json.ts";
import { asCount } from "./reading/token-counts.ts";
import { ResponseEvents } from "./response-events.ts";

/** OpenAI's Responses API, `POST /responses`. The base URL includes `/v1`. */
export const openaiResponses: Dialect = {
  name: "openai-responses",
  endsAtEof: false,

  address: (key) => ({
    path: "/responses",
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  }),

  body: ({ body, model, unary }) => ({ ...body, ...(model !== undefined && { model }), stream: !unary }),

  conversation: (turn) => ({
    ...(turn.system !== undefined && { instructions: turn.system }),
    input: turn.messages.flatMap(toItems),
    ...(turn.tools && { tools: turn.tools.map((tool) => ({ type: "function", ...tool })) }),
    ...effort(turn),
  }),

  outputLimit: (body) => asCount(body.max_output_tokens),
  limited: (body, outputTokens) => ({ ...body, max_output_tokens: outputTokens }),

  decoder: () => new ResponseEvents(),
};

/** "off" sets nothing: models without reasoning reject the parameter. */
function effort({ thinking }: Conversation): JsonObject {
  return thinking === undefined || thinking === "off" ? {} : { reasoning: { effort: thinking } };
}

/**
 * None for a message without content. OpenAI infers the item's `type`; OpenClaw's endpoint requires it. Calls and results
 * are items of their own, a result before what follows it.
 */
function toItems({ role, content }: Message): readonly JsonObject[] {
  const parts = content.map((part) => toContent(part, role)).filter((part) => part !== undefined);
  const message = parts.length > 0 ? [{ type: "message", role, content: parts }] : [];
  return [...content.flatMap(toResult), ...message, ...content.flatMap(toCall)];
}

const toCall = (part: Message["content"][number]): readonly JsonObject[] =>
  part.type === "toolCall"
    ? [{ type: "function_call", call_id: part.id, name: part.name, arguments: part.arguments }]
    : [];

const toResult = (part: Message["content"][number]): readonly JsonObject[] =>
  part.type === "toolResult" ? [{ type: "function_call_output", call_id: part.id, output: part.text }] : [];

function toContent(part: Message["content"][number], role: Message["role"]): JsonObject | undefined {
  switch (part.type) {
    case "text":
      if (part.text === "") return undefined;
      return { type: role === "user" ? "input_text" : "output_text", text: part.text };
    case "image":
      if (role === "assistant")
        throw new GatewayError("unsupported", "assistant messages with images cannot be sent to this provider");
      return { type: "input_image", image_url: `data:${part.mimeType};base64,${part.base64}` };
    case "document":
      if (role === "assistant")
        throw new GatewayError("unsupported", "assistant messages with files cannot be sent to this provider");
      return {
        type: "input_file",
        filename: part.fileName,
        file_data: `data:${part.mimeType};base64,${part.base64}`,
      };
    case "toolCall":
    case "toolResult":
      return undefined;
    case "thinking":
      // Only complete encrypted reasoning items may go back, and a part cannot hold one.
      return undefined;
  }
}
