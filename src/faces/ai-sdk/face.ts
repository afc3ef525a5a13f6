import { type Face, MAX_UNREAD_BYTES } from "../../core/ports/face.ts";
import { Answers } from "./answers/answers.ts";
import { KEEP_ALIVE } from "./frames/server-frame.ts";
import type { AiSdkParts } from "./parts.ts";
import { AiSdkSession } from "./session.ts";

/** The subprotocol for clients that offer one. */
export const AI_SDK_SUBPROTOCOL = "sluice.ai";

/**
 * Chat for Vercel's AI SDK: the server of its `WebSocketChatTransport` (npm `ai` 7). Any model of the configuration answers
 * in the SDK's own chunks, and an answer can be read again from its beginning until it is forgotten.
 */
export function createAiSdkFace(parts: AiSdkParts): Face & { close(): void } {
  const answers = new Answers(parts.registry);
  const sessions = new Set<AiSdkSession>();
  const ticks = setInterval(() => {
    for (const session of sessions) session.tell(KEEP_ALIVE);
  }, parts.limits.tickMs).unref();
  return {
    name: "ai-sdk",
    scope: "streams",
    authentication: "either",
    maxFrameBytes: parts.limits.apiBodyBytes,
    maxUnreadBytes: MAX_UNREAD_BYTES,
    accept(connection) {
      const session = new AiSdkSession(connection, parts, answers);
      sessions.add(session);
      return {
        message: (text) => session.message(text),
        drained: () => session.drained(),
        goingAway: () => session.goingAway(),
        closed(why) {
          sessions.delete(session);
          session.closed(why);
        },
      };
    },
    close: () => clearInterval(ticks),
  };
}
