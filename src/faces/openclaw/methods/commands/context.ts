import type { Message } from "../../../../core/dialect/dialect.ts";
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
    const { systemPrompt, historyMessages } = services.settings;
    const { route, contextWindow } = modelOf(session, services.catalog);
    const options = { system: undefined, thinking: undefined, maxMessages: historyMessages };
    const { messages } = toConversation(messagesFor(route, session), options);
    const count = (system: string | undefined, those: readonly Message[]): number => {
      const turn = { messages: those, ...(system !== undefined && { system }) };
      const empty = promptCharacters(route.dialect.conversation({ messages: [] }));
      return estimateTokens(promptCharacters(route.dialect.conversation(turn)) - empty);
    };
    const parts = [
      ["System prompt", count(systemPrompt || undefined, [])],
      [
        "Your messages",
        count(
          undefined,
          pick(messages, "user", (part) => !isFile(part)),
        ),
      ],
      ["Attachments", count(undefined, pick(messages, "user", isFile))],
      [
        "Answers",
        count(
          undefined,
          pick(messages, "assistant", () => true),
        ),
      ],
    ] as const;
    const total = parts.reduce((sum, [, tokens]) => sum + tokens, 0);
    const of = contextWindow === undefined ? "" : ` of ${contextWindow.toLocaleString("en")}`;
    return [
      `The next message takes along about ${total.toLocaleString("en")}${of} tokens (4 characters a token; at most ${historyMessages} messages):`,
      ...parts.map(([name, tokens]) => `- ${name}: ${tokens.toLocaleString("en")}`),
    ].join("\n");
  },
};
