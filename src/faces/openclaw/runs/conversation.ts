import type { Conversation, Message, Part } from "../../../core/dialect/dialect.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { fileText } from "../../chat/attached-files.ts";
import { withRecentFiles } from "./resent-files.ts";

/** The model named in answers to commands, which no model wrote. */
export const COMMAND_MODEL = "gateway-command";

/** How much of a session is sent upstream again. */
export interface HistoryLimits {
  /** How many of the newest messages. The conversation starts with the first user message among them. */
  readonly maxMessages: number;
  /** How many of the newest user messages keep their files; all by default. */
  readonly fileTurns?: number;
}

/** What a conversation holds besides its messages. */
export interface ConversationOptions extends HistoryLimits {
  readonly system: string | undefined;
  readonly thinking: string | undefined;
}

/** Makes the provider-neutral request from a transcript whose newest message is last. */
export function toConversation(transcript: readonly TranscriptMessage[], options: ConversationOptions): Conversation {
  const messages: { role: Message["role"]; content: Part[] }[] = [];
  const commands = new Set(transcript.flatMap(({ model, runId }) => (model === COMMAND_MODEL ? [runId] : [])));
  const said = transcript.filter(({ runId }) => runId === undefined || !commands.has(runId));
  const { maxMessages, fileTurns = maxMessages } = options;
  for (const message of withRecentFiles(said.slice(-maxMessages), fileTurns)) {
    const content = carriedParts(message);
    const last = messages.at(-1);
    if (content.length === 0 || (!last && message.role === "assistant")) continue;
    // Providers want roles to alternate, and a failed answer leaves two questions in a row.
    if (last?.role === message.role) last.content.push(...content);
    else messages.push({ role: message.role, content });
  }
  return {
    ...(options.system !== undefined && { system: options.system }),
    ...(options.thinking !== undefined && { thinking: options.thinking }),
    messages,
  };
}

/**
 * The parts of a message that are sent upstream again. Tool calls are left out, because no tool runs here. Of a failed
 * answer only the text is sent, because its thinking may lack the signature that providers require.
 */
function carriedParts(message: TranscriptMessage): Part[] {
  const parts: Part[] = [];
  for (const part of message.content) {
    if (part.type === "toolCall" || (part.type === "thinking" && message.failure)) continue;
    if (part.type === "text" && part.text.trim() === "") continue;
    parts.push(part.type === "textFile" ? { type: "text", text: fileText(part) } : part);
  }
  return parts.some((part) => part.type !== "thinking") ? parts : [];
}
