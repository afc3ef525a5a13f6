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

/** How long a target is spared after this failure, and whether at once or only after some in a row. */
export function coolDown(error: GatewayError, coolMs: number): { readonly ms: number; readonly atOnce: boolean } {
  if (isKeyRefused(error)) return { ms: Math.max(coolMs, KEY_REFUSED_MS), atOnce: true };
  // It has said itself how long it wants no more requests.
  if (error.retryAfterMs !== undefined) return { ms: Math.min(error.retryAfterMs, MAX_ASKED_MS), atOnce: true };
  return { ms: coolMs, atOnce: error.code === "upstream_rate_limited" };
}
