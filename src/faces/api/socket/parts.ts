import type { InboundBudget } from "../../../core/caller/inbound-budget.ts";
import type { Routing } from "../../../core/dialect/routing.ts";
import type { Clock } from "../../../core/kernel/clock.ts";
import type { Authenticator } from "../../../core/ports/authenticator.ts";
import type { Observer } from "../../../core/ports/observer.ts";
import type { Relay } from "../../../core/relay/relay.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import type { Wording } from "../request/wording.ts";

/** What the face is made of. */
export interface ResponsesSocketParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly authenticator: Pick<Authenticator, "current">;
  readonly wording: Wording;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly newId: () => string;
  /** The memory of requests until their responses begin. */
  readonly requests: Pick<InboundBudget, "reserve">;
  readonly limits: {
    /** The largest frame, and the memory of one socket's conversations, in bytes. */
    readonly apiBodyBytes: number;
    /** The memory of all sockets' conversations, in bytes. */
    readonly responsesMemoryBytes: number;
    /** How old a socket may get, in milliseconds. */
    readonly responsesSocketMs: number;
  };
}
