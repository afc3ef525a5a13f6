import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Relay } from "../../core/relay/relay.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";

/** What the face is made of. */
export interface AiSdkParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly authenticator: Authenticator;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly limits: {
    /** Requests open at once on one socket. */
    readonly streamsPerConnection: number;
    /** The largest frame, in bytes. */
    readonly apiBodyBytes: number;
    /** Between two keep-alive frames, in milliseconds. */
    readonly tickMs: number;
  };
}
