import type { Routing } from "../core/dialect/routing.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { Relay } from "../core/relay/relay.ts";
import type { StreamRegistry } from "../core/stream/registry.ts";
import { errorEvents } from "../dialects/error-event.ts";
import { refusalBody } from "../dialects/refusal-body.ts";
import { type ApiFaces, createApiFaces } from "../faces/api/face.ts";

/** The vendors' HTTP APIs, each with its dialect's error bodies. */
export function connectApis(parts: {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly clock: Clock;
  readonly limits: { readonly apiBodyBytes: number; readonly apiSilenceMs: number };
}): ApiFaces {
  return createApiFaces({ ...parts, wording: { refusal: refusalBody, errorEvents } });
}
