import type { GatewayError } from "../kernel/errors.ts";

/** Longest time a target is spared because it asked for it: a wrong clock or a day's limit must not remove it for good. */
const MAX_ASKED_MS = 300_000;

/** How long a target whose key is refused is spared: until somebody has changed the key. */
const KEY_REFUSED_MS = 60_000;

const statusOf = ({ details }: GatewayError): number => (typeof details?.status === "number" ? details.status : 0);

const isKeyRefused = ({ details }: GatewayError): boolean => details?.reason === "key_refused";

/**
 * Whether another target may answer what failed this way before its answer began: the target is away, slow, overloaded, out
 * of its limits or refuses our key. Never for what is wrong with the request itself, which would fail there too.
 */
export function mayGoOn(error: GatewayError): boolean {
  switch (error.code) {
    case "upstream_unreachable":
    case "upstream_not_allowed":
    case "upstream_rate_limited":
    case "upstream_overloaded":
    case "upstream_timeout":
    case "upstream_reset":
    case "upstream_truncated":
    case "upstream_protocol":
    case "upstream_bad_response":
    // A reload has removed the target's route since the request chose its targets.
    case "unknown_route":
      return true;
    case "upstream_http_error":
      return statusOf(error) >= 500 || isKeyRefused(error) || statusOf(error) === 402;
    case "upstream_error_event":
      return error.retryable;
    default:
      return false;
  }
}

/** How a target is spared after a failure. */
export interface CoolDown {
  readonly ms: number;
  /** Now, and not only after some failures in a row. */
  readonly atOnce: boolean;
  /** It has said itself how long it wants no more requests, and gets none until then. */
  readonly isAsked: boolean;
}

/** How a target is spared after this failure. `coolMs`: for how long, if nothing else says so. */
export function coolDown(error: GatewayError, coolMs: number): CoolDown {
  if (isKeyRefused(error)) return { ms: Math.max(coolMs, KEY_REFUSED_MS), atOnce: true, isAsked: false };
  if (error.retryAfterMs !== undefined) {
    // A route that cannot be reached has asked for nothing: its circuit breaker has.
    const isAsked = error.code !== "upstream_unreachable";
    return { ms: Math.min(error.retryAfterMs, MAX_ASKED_MS), atOnce: true, isAsked };
  }
  return { ms: coolMs, atOnce: error.code === "upstream_rate_limited", isAsked: false };
}
