import { statusMeant } from "../../core/dialect/error-meaning.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/**
 * Turns a provider's error event (`upstream_error_event`) into the refusal it would have been as an HTTP status, taken from
 * the number or the names in its details. Returns the error unchanged if they stand for none.
 */
export function asRefusal(error: GatewayError): GatewayError {
  const { message, retryable, retryAfterMs } = error;
  const given = error.details?.status;
  const status = typeof given === "number" ? given : statusMeant(error.details ?? {});
  if (status === undefined) return error;
  const details = { ...error.details, status };
  return new GatewayError(codeOf(status), message, {
    details,
    retryable,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeOf(status: number): "upstream_rate_limited" | "upstream_overloaded" | "upstream_http_error" {
  if (status === 402 || status === 429) return "upstream_rate_limited";
  return status === 503 || status === 529 ? "upstream_overloaded" : "upstream_http_error";
}
