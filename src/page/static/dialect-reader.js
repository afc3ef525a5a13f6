// @ts-check
/**
 * How to ask a question in each dialect, and how to read the text of its events.
 *
 * @typedef {{ kind: "text" | "thinking" | "tool", text: string }} Piece
 */

/**
 * The provider's request body for one question.
 * @param {string} dialect
 * @param {string} prompt
 * @param {number} [maxTokens] where the dialect demands a limit
 */
export function bodyFor(dialect, prompt, maxTokens = 1024) {
  const messages = [{ role: "user", content: prompt }];
  switch (dialect) {
    case "anthropic-messages":
      return { max_tokens: maxTokens, messages };
    case "openai-chat":
      return { messages, stream_options: { include_usage: true } };
    case "openai-responses":
      return { input: prompt };
    case "google-gemini":
      return { contents: [{ role: "user", parts: [{ text: prompt }] }] };
    default:
      return { prompt };
  }
}

/**
 * The text in an event, if it has any.
 * @param {string} dialect
 * @param {any} data the upstream's event, parsed; a string if it is not JSON
 * @returns {Piece | undefined}
 */
export function readEvent(dialect, data) {
  const piece = READERS[dialect]?.(data) ?? (READERS[dialect] ? undefined : plain(data));
  return piece?.text ? piece : undefined;
}

/** @type {Record<string, (data: any) => Piece | undefined>} */
const READERS = {
  "anthropic-messages"(data) {
    if (data?.type === "content_block_start" && data.content_block?.type === "tool_use") {
      return { kind: "tool", text: `${data.content_block.name} ` };
    }
    if (data?.type !== "content_block_delta") return undefined;
    const { text, thinking, partial_json } = data.delta ?? {};
    return words(text, thinking, partial_json);
  },
  "openai-chat"(data) {
    const delta = data?.choices?.[0]?.delta;
    const call = delta?.tool_calls?.[0]?.function;
    return words(delta?.content, delta?.reasoning_content, call?.name ? `${call.name} ` : call?.arguments);
  },
  "google-gemini"(data) {
    const part = data?.candidates?.[0]?.content?.parts?.find((/** @type {any} */ one) => one.text || one.functionCall);
    const { text, thought, functionCall: call } = part ?? {};
    if (call) return { kind: "tool", text: `${call.name} ${JSON.stringify(call.args ?? {})}` };
    return thought === true ? words(undefined, text) : words(text);
  },
  "openai-responses"(data) {
    switch (data?.type) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        return words(data.delta);
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return words(undefined, data.delta);
      case "response.function_call_arguments.delta":
        return words(undefined, undefined, data.delta);
      case "response.output_item.added":
        return data.item?.type === "function_call" ? { kind: "tool", text: `${data.item.name} ` } : undefined;
      default:
        return undefined;
    }
  },
};

/**
 * @param {unknown} text
 * @param {unknown} [thinking]
 * @param {unknown} [tool]
 * @returns {Piece | undefined}
 */
function words(text, thinking, tool) {
  if (typeof text === "string" && text !== "") return { kind: "text", text };
  if (typeof thinking === "string" && thinking !== "") return { kind: "thinking", text: thinking };
  return typeof tool === "string" ? { kind: "tool", text: tool } : undefined;
}

/**
 * Shows events of unknown endpoints unchanged.
 * @param {unknown} data
 * @returns {Piece}
 */
const plain = (data) => ({ kind: "text", text: `${typeof data === "string" ? data : JSON.stringify(data)}\n` });
