import { GatewayError } from "../../core/kernel/errors.ts";
import type { Connection } from "../../core/ports/connection.ts";
import { type Face, MAX_UNREAD_BYTES } from "../../core/ports/face.ts";
import { IdempotencyRecords } from "../../core/relay/idempotency.ts";
import { Claims } from "./claims.ts";
import type { StreamFaceParts } from "./parts.ts";
import type { StreamRecord } from "./repeatable.ts";
import { StreamSession } from "./session.ts";

/** The stream face: many streams on one socket, each event relayed unchanged. Its protocol is `protocol/stream.ts`. */
export function createStreamFace(parts: StreamFaceParts): Face & { close(): void } {
  const { limits, clock } = parts;
  const { idempotencyMs: maxAgeMs, idempotencyKeys: maxRecords } = limits;
  const shared = {
    ...parts,
    records: new IdempotencyRecords<StreamRecord>({ maxAgeMs, maxRecords }, clock),
    claims: parts.notes && new Claims(parts.notes, parts.registry, maxAgeMs),
  };
  const sessions = new Set<StreamSession>();
  const ticks = setInterval(() => {
    for (const session of sessions) session.tell({ type: "tick", ts: clock.wall() });
  }, limits.tickMs).unref();
  return {
    name: "stream",
    scope: "streams",
    authentication: "header",
    maxFrameBytes: limits.frameBytes,
    maxUnreadBytes: MAX_UNREAD_BYTES,
    accept(connection: Connection) {
      if (!connection.caller) throw new GatewayError("unauthorized");
      const session = new StreamSession(connection, connection.caller, shared);
      sessions.add(session);
      return {
        message: (text) => session.message(text),
        drained: () => session.drained(),
        goingAway: (afterMs) => session.goingAway(afterMs),
        closed(why) {
          sessions.delete(session);
          session.closed(why);
        },
      };
    },
    close: () => clearInterval(ticks),
  };
}
