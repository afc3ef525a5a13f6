/** What the providers' events look like, as far as most applications read them. */

/** One event of Anthropic Messages. */
export type AnthropicEvent =
  | {
      readonly type: "message_start";
      readonly message: { readonly id: string; readonly model: string; readonly usage?: object };
    }
  | {
      readonly type: "content_block_start";
      readonly index: number;
      readonly content_block: {
        readonly type: string;
        readonly id?: string;
        readonly name?: string;
        readonly text?: string;
      };
    }
  | {
      readonly type: "content_block_delta";
      readonly index: number;
      readonly delta:
        | { readonly type: "text_delta"; readonly text: string }
        | { readonly type: "thinking_delta"; readonly thinking: string }
        | { readonly type: "input_json_delta"; readonly partial_json: string }
        | { readonly type: "signature_delta"; readonly signature: string };
    }
  | { readonly type: "content_block_stop"; readonly index: number }
  | {
      readonly type: "message_delta";
      readonly delta: { readonly stop_reason?: string | null };
      readonly usage?: object;
    }
  | { readonly type: "message_stop" }
  | { readonly type: "ping" }
  | { readonly type: "error"; readonly error: { readonly type: string; readonly message: string } };

/** One chunk of OpenAI Chat Completions; the last event is the text `[DONE]`. */
export interface ChatChunk {
  readonly id?: string;
  readonly model?: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | null;
      readonly reasoning_content?: string | null;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly function?: { readonly name?: string; readonly arguments?: string };
      }[];
    };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: object | null;
}

/** One event of OpenAI Responses. */
export type ResponsesEvent =
  | {
      readonly type: "response.output_text.delta";
      readonly delta: string;
      readonly item_id: string;
      readonly output_index: number;
    }
  | { readonly type: "response.function_call_arguments.delta"; readonly delta: string; readonly item_id: string }
  | {
      readonly type: "response.output_item.added" | "response.output_item.done";
      readonly output_index: number;
      readonly item: object;
    }
  | {
      readonly type: "response.created" | "response.completed" | "response.incomplete" | "response.failed";
      readonly response: { readonly id: string; readonly status?: string };
    }
  | { readonly type: `response.${string}.${string}` };

/** One `GenerateContentResponse` of Google's Gemini API. */
export interface GeminiChunk {
  readonly candidates?: readonly {
    readonly index?: number;
    readonly content?: {
      readonly role?: string;
      readonly parts?: readonly {
        readonly text?: string;
        readonly thought?: boolean;
        readonly functionCall?: { readonly id?: string; readonly name?: string; readonly args?: object };
      }[];
    };
    readonly finishReason?: string;
  }[];
  readonly usageMetadata?: object;
}

/** The data of an event, by the dialect that `open` names. */
export interface DialectData {
  readonly anthropic: AnthropicEvent;
  readonly "openai-chat": ChatChunk | "[DONE]";
  readonly "openai-responses": ResponsesEvent;
  readonly "google-gemini": GeminiChunk;
  readonly raw: unknown;
}

/** The dialects that events are typed by. */
export type Dialect = keyof DialectData;

interface AnyData {
  readonly type?: unknown;
  readonly delta?: unknown;
  readonly choices?: readonly { readonly delta?: { readonly content?: unknown } }[];
  readonly candidates?: GeminiChunk["candidates"];
}

/** The text that an event adds to the answer, whatever its dialect; "" if it adds none. */
export function textOf(data: unknown): string {
  if (typeof data !== "object" || data === null) return "";
  const { type, delta, choices, candidates }: AnyData = data;
  const text =
    type === "content_block_delta"
      ? (delta as { readonly text?: unknown } | undefined)?.text
      : type === "response.output_text.delta"
        ? delta
        : Array.isArray(choices)
          ? choices[0]?.delta?.content
          : geminiText(candidates);
  return typeof text === "string" ? text : "";
}

/** The text of the first candidate, without its thoughts. Nothing here is checked yet. */
function geminiText(candidates: GeminiChunk["candidates"]): string | undefined {
  const parts = Array.isArray(candidates) ? candidates[0]?.content?.parts : undefined;
  if (!Array.isArray(parts)) return undefined;
  return parts.map((part) => (part?.thought !== true && typeof part?.text === "string" ? part.text : "")).join("");
}
