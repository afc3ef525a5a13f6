import { GatewayError } from "../../core/errors.ts";
import type { Clock, Connection, Face } from "../../core/ports.ts";
import type { Relay } from "../../core/relay.ts";
import type { Routing } from "../../core/routing.ts";
import type { Shelf } from "../../core/shelf.ts";
import { IdempotencyKeys, type IdempotencyLimits } from "./idempotency.ts";
import { StreamSession } from "./session.ts";

export interface StreamFaceLimits extends IdempotencyLimits {
  readonly streamsPerConnection: number;
  readonly frameBytes: number;
  /** What one stream may have sent and its client not yet handled. */
  readonly windowBytes: number;
  readonly windowEvents: number;
  /** What one socket may have sent and its client not yet received. */
  readonly inFlightBytes: number;
  /** Between two ticks: browsers do not see pings. */
  readonly tickMs: number;
}

export interface StreamFaceParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly limits: StreamFaceLimits;
}

/** The stream face: many streams on one socket, each event relayed as it came. Defined in `protocol/stream.ts`. */
export function createStreamFace(parts: StreamFaceParts): Face & { close(): void } {
  const keys = new IdempotencyKeys(parts.limits, parts.clock);
  const sessions = new Set<StreamSession>();
  const ticks = setInterval(() => {
    for (const session of sessions) session.tell({ type: "tick", ts: parts.clock.wall() });
  }, parts.limits.tickMs).unref();
  return {
    name: "stream",
    authentication: "header",
    maxFrameBytes: parts.limits.frameBytes,
    accept(connection: Connection) {
      if (!connection.caller) throw new GatewayError("unauthorized");
      const session = new StreamSession(connection, connection.caller, parts, keys);
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
