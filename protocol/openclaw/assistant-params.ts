/** Parameters of the method that stands in for OpenClaw's setup assistant. */
import { closed, text } from "./closed.ts";

export const SystemAgentChatParams = closed(
  { sessionId: text.max(256) },
  "message wizardAnswer wizardCancel welcomeVariant reset context delegation",
);
