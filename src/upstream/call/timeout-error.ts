import { GatewayError } from "../../core/kernel/errors.ts";
import type { Timer } from "./deadlines.ts";
import type { RouteClient } from "./route-client.ts";

/** What a call fails with when this limit has run out. Tells the breaker when the upstream could not be reached. */
export function timeoutError(timer: Timer, { connections, breaker }: RouteClient): GatewayError {
  const details = { timer };
  if (timer !== "connect") return new GatewayError("upstream_timeout", undefined, { details });
  if (connections.saturated) {
    return new GatewayError("overloaded", "all connections to the upstream are in use", { details });
  }
  breaker.failed();
  return new GatewayError("upstream_unreachable", undefined, { details });
}
