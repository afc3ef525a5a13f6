import type { Clock, Connection, Face } from "../../core/ports.ts";
import type { Relay } from "../../core/relay.ts";
import type { Routing } from "../../core/routing.ts";
import { IdempotencyKeys, type IdempotencyLimits } from "./idempotency.ts";
import { StreamSession } from "./session.ts";

export interface StreamFaceLimits extends IdempotencyLimits {
  readonly streamsPerConnection: number;
  readonly frameBytes: number;
}

export interface StreamFaceParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly clock: Clock;
  readonly limits: StreamFaceLimits;
}

/** The stream face: many streams on one socket, each event relayed as it came. Defined in `protocol/stream.ts`. */
export function createStreamFace(parts: StreamFaceParts): Face {
  const keys = new IdempotencyKeys(parts.limits, parts.clock);
  return {
    name: "stream",
    authentication: "header",
    maxFrameBytes: parts.limits.frameBytes,
    accept: (connection: Connection) => new StreamSession(connection, parts, keys),
  };
}
