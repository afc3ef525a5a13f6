import type { Conversation, Message } from "../../../../core/dialect/dialect.ts";
import { promptCharacters } from "../../../../core/relay/prompt-size.ts";
import { estimateTokens } from "../../../../core/usage/usage.ts";
import { toConversation } from "../../runs/conversation.ts";
import { messagesFor } from "../../runs/upstream-session.ts";
import { modelOf } from "../../sessions/session-row.ts";
import type { Command } from "./command.ts";

type Part = Message["content"][number];

const isFile = ({ type }: Part): boolean => type !== "text" && type !== "thinking";

/** The parts of messages that are meant, without the messages that have none. */
const pick = (messages: readonly Message[], role: Message["role"], isMeant: (part: Part) => boolean) =>
  messages
    .filter((message) => message.role === role)
    .map((message) => ({ role, content: message.content.filter(isMeant) }))
    .filter(({ content }) => content.length > 0);

/** `/context`: what the next message takes along to the model, estimated by part. */
export const context: Command = {
  name: "context",
  description: "Show what the next message takes along to the model, in tokens",
  category: "status",
  run({ services, session }) {
    const { systemPrompt, historyMessages, historyFileTurns } = services.settings;
    const { route, contextWindow } = modelOf(session, services.catalog);
    const limits = { maxMessages: historyMessages, fileTurns: historyFileTurns };
    const { messages } = toConversation(messagesFor(route, session), {
      system: undefined,
      thinking: undefined,
      ...limits,
    });
    const charactersOf = (turn: Conversation) => promptCharacters(route.dialect.conversation(turn));
    const empty = charactersOf({ messages: [] });
    const count = (turn: Conversation): number => estimateTokens(charactersOf(turn) - empty);
    const said = pick(messages, "user", (part) => !isFile(part));
    const files = pick(messages, "user", isFile);
    const answers = pick(messages, "assistant", () => true);
    const parts = [
      ["System prompt", count({ messages: [], ...(systemPrompt && { system: systemPrompt }) })],
      ["Your messages", count({ messages: said })],
      ["Attachments", count({ messages: files })],
      ["Answers", count({ messages: answers })],
    ] as const;
    const total = parts.reduce((sum, [, tokens]) => sum + tokens, 0);
    const of = contextWindow === undefined ? "" : ` of ${contextWindow.toLocaleString("en")}`;
    return [
      `The next message takes along about ${total.toLocaleString("en")}${of} tokens (4 characters a token; at most ${historyMessages} messages):`,
      ...parts.map(([name, tokens]) => `- ${name}: ${tokens.toLocaleString("en")}`),
    ].join("\n");
  },
};
