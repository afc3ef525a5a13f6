import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Face } from "../../../core/ports/face.ts";
import { ConversationMemory } from "./conversation-memory.ts";
import type { ResponsesSocketParts } from "./parts.ts";
import { ResponsesSession } from "./session.ts";

/**
 * OpenAI's Responses API as a WebSocket: `response.create` frames in, the provider's events out, several lanes on one
 * socket, and conversations that continue without being sent again.
 */
export function createResponsesSocket(parts: ResponsesSocketParts): Face {
  const memory = new ConversationMemory(parts.limits.responsesMemoryBytes);
  return {
    name: "responses-socket",
    scope: "streams",
    authentication: "header",
    maxFrameBytes: parts.limits.apiBodyBytes,
    accept(connection) {
      if (!connection.caller) throw new GatewayError("unauthorized");
      return new ResponsesSession(connection, connection.caller, parts, memory);
    },
  };
}
