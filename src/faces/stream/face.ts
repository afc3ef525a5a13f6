import { GatewayError } from "../../core/errors.ts";
import type { Authenticator, Clock, Connection, Face, Observer } from "../../core/ports.ts";
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
  readonly authenticator: Pick<Authenticator, "current">;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: StreamFaceLimits;
}

/** What the sessions of all connections share. */
export interface SharedParts extends StreamFaceParts {
  readonly keys: IdempotencyKeys;
}

/** The stream face: many streams on one socket, each event relayed as it came. Defined in `protocol/stream.ts`. */
export function createStreamFace(parts: StreamFaceParts): Face & { close(): void } {
  const { limits, clock } = parts;
  const shared = { ...parts, keys: new IdempotencyKeys(limits, clock) };
  const sessions = new Set<StreamSession>();
  const ticks = setInterval(() => {
    for (const session of sessions) session.tell({ type: "tick", ts: clock.wall() });
  }, limits.tickMs).unref();
  return {
    name: "stream",
    scope: "streams",
    authentication: "header",
    maxFrameBytes: limits.frameBytes,
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
