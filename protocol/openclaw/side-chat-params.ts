/** Parameters of `sessions.companion.*`, and the real gateway's limits. */
import * as z from "zod";
import { closed, text } from "./closed.ts";

export const SIDE_CHAT = {
  maxQuestionCharacters: 400,
  maxAnswerCharacters: 1_200,
  maxExchanges: 24,
  timeoutMs: 60_000,
} as const;

const session = { sessionKey: text.max(512), agentId: text.optional() };

export const SideChatAskParams = closed({
  ...session,
  question: z
    .string()
    .min(1)
    .max(SIDE_CHAT.maxQuestionCharacters)
    .refine((question) => question.trim() !== "", { error: "must contain non-whitespace text" }),
});
export const SideChatParams = closed(session);
