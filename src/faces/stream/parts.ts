import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Notes } from "../../core/ports/notes.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { IdempotencyRecords } from "../../core/relay/idempotency.ts";
import type { Relay } from "../../core/relay/relay.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Claims } from "./claims.ts";
import type { StreamRecord } from "./repeatable.ts";

/** Limits of the face. */
export interface StreamFaceLimits {
  /** How long a repeated idempotency key finds its stream, in milliseconds. */
  readonly idempotencyMs: number;
  /** Idempotency keys remembered at once. */
  readonly idempotencyKeys: number;
  readonly streamsPerConnection: number;
  readonly frameBytes: number;
  /** Sent on one stream and not yet acknowledged, at most. */
  readonly windowBytes: number;
  readonly windowEvents: number;
  /** Sent on one socket and not yet received, at most. */
  readonly inFlightBytes: number;
  /** Between two ticks, which browsers need because they do not see pings. */
  readonly tickMs: number;
}

/** What the face is made of. */
export interface StreamFaceParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly authenticator: Pick<Authenticator, "current">;
  readonly clock: Clock;
  readonly observer: Observer;
  /** What all nodes of a cluster know; undefined without one. */
  readonly notes?: Notes | undefined;
  readonly limits: StreamFaceLimits;
}

/** What the sessions of all connections share. */
export interface SharedParts extends StreamFaceParts {
  readonly claims: Claims | undefined;
  readonly records: IdempotencyRecords<StreamRecord>;
}
