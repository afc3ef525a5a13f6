import { GatewayError } from "../../../core/kernel/errors.ts";
import { type Face, MAX_UNREAD_BYTES } from "../../../core/ports/face.ts";
import { CallersMemory } from "./callers-memory.ts";
import type { ResponsesSocketParts } from "./parts.ts";
import { ResponsesSession } from "./session.ts";

/**
 * OpenAI's Responses API as a WebSocket: `response.create` frames in, the provider's events out, several lanes on one
 * socket, and conversations that continue without being sent again.
 */
export function createResponsesSocket(parts: ResponsesSocketParts): Face {
  const memory = new CallersMemory(parts.limits.responsesMemoryBytes);
  return {
    name: "responses-socket",
    scope: "streams",
    authentication: "header",
    maxFrameBytes: parts.limits.apiBodyBytes,
    maxUnreadBytes: MAX_UNREAD_BYTES,
    accept(connection) {
      if (!connection.caller) throw new GatewayError("unauthorized");
      const { caller } = connection;
      return new ResponsesSession(connection, caller, parts, memory.of(caller.name));
    },
  };
}
