import type { DialectName } from "../../protocol/dialects.ts";
import type { Dialect } from "../core/dialect/dialect.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { googleGemini } from "./google-gemini.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";
import { plainSse } from "./plain-sse.ts";

export type { DialectName };

const byName: Readonly<Record<DialectName, Dialect>> = {
  "anthropic-messages": anthropicMessages,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  "google-gemini": googleGemini,
  "plain-sse": plainSse,
};

/** Every dialect by its name. */
export const dialects: ReadonlyMap<string, Dialect> = new Map(Object.entries(byName));
