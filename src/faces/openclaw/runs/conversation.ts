import type { Conversation, Message, Part } from "../../../core/dialect/dialect.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";

/** Who answers commands: no model. */
export const COMMAND_MODEL = "gateway-command";

export interface ConversationOptions {
  readonly system: string | undefined;
  readonly thinking: string | undefined;
  /** Newest messages that go upstream; the conversation then starts with the first user message among them. */
  readonly maxMessages: number;
}

/** The conversation so far, its newest message last, as the provider-neutral request. */
export function toConversation(transcript: readonly TranscriptMessage[], options: ConversationOptions): Conversation {
  const messages: { role: Message["role"]; content: Part[] }[] = [];
  const commands = new Set(transcript.flatMap(({ model, runId }) => (model === COMMAND_MODEL ? [runId] : [])));
  const said = transcript.filter(({ runId }) => runId === undefined || !commands.has(runId));
  for (const message of said.slice(-options.maxMessages)) {
    const content = carriedParts(message);
    const last = messages.at(-1);
    if (content.length === 0 || (!last && message.role === "assistant")) continue;
    // A question whose answer failed is followed by the next question: providers want the roles to alternate.
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
 * What of a message goes back upstream. Tool calls do not: nobody here answers them. Of an answer that was cut only the
 * text does, because its thinking may lack the signature that providers insist on.
 */
function carriedParts(message: TranscriptMessage): Part[] {
  const parts: Part[] = [];
  for (const part of message.content) {
    if (part.type === "toolCall" || (part.type === "thinking" && message.failure)) continue;
    if (part.type === "text" && part.text.trim() === "") continue;
    parts.push(part);
  }
  return parts.some((part) => part.type !== "thinking") ? parts : [];
}
