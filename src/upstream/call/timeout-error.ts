import { GatewayError } from "../../core/kernel/errors.ts";
import type { Timer } from "./deadlines.ts";
import type { RouteClient } from "./route-client.ts";

/** The settings of the timers that have one. */
const SETTINGS: Partial<Readonly<Record<Timer, string>>> = {
  connect: "connectMs",
  headers: "headersMs",
  first_event: "firstEventMs",
  idle: "idleMs",
  progress: "progressMs",
  total: "totalMs",
};

/** What a call fails with when this limit has run out. Tells the breaker when the upstream could not be reached. */
export function timeoutError(timer: Timer, { connections, breaker }: RouteClient): GatewayError {
  const details = { timer };
  const key = SETTINGS[timer];
  const options = { details, ...(key !== undefined && { setting: `routes.<name>.timeouts.${key}` }) };
  if (timer !== "connect") return new GatewayError("upstream_timeout", undefined, options);
  if (connections.saturated) {
    return new GatewayError("overloaded", "all connections to the upstream are in use", {
      details,
      setting: "routes.<name>.maxConnections",
    });
  }
  breaker.failed();
  return new GatewayError("upstream_unreachable", undefined, options);
}
