import { CODES } from "../../protocol/codes.ts";
import type { DialectName } from "../../protocol/dialects.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import { asString } from "../core/kernel/json.ts";
import type { HttpResponse } from "../core/ports/http-face.ts";

/**
 * A failure as the answer to a request of this dialect, in its vendor's own form. What cannot succeed by trying again
 * says so in the ways clients act on: a reached cap costs them one request.
 */
export function refusalBody(dialect: DialectName, error: GatewayError): HttpResponse {
  const { status, body } = dialect === "anthropic-messages" ? anthropic(error) : openai(error);
  return {
    status,
    headers: { "content-type": "application/json", ...retryHeaders(error) },
    body: JSON.stringify(body),
  };
}

interface Form {
  readonly status: number;
  readonly body: object;
}

/** Both vendors' clients obey `x-should-retry`; a time to come back would make the others try again. */
function retryHeaders({ retryable, retryAfterMs }: GatewayError): Record<string, string> {
  if (!retryable) return { "x-should-retry": "false" };
  return retryAfterMs === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) };
}

/** The request's own fault keeps the status the provider gave it; what is wrong with our own key there is not the client's. */
function statusOf({ code, details }: GatewayError): number {
  const given = details?.status;
  const isOfRequest = given === 400 || given === 404 || given === 413 || given === 422;
  return code === "upstream_http_error" && isOfRequest ? given : CODES[code].httpStatus;
}

function openai(error: GatewayError): Form {
  const { code, message } = error;
  const form = (status: number, type: string, name: string) => ({
    status,
    body: { error: { message, type, param: null, code: name, ...(error.details && { details: error.details }) } },
  });
  // The only form of 429 after which every client measured stops at once; a provider's quota is as final.
  const isQuota = code === "upstream_rate_limited" && !error.retryable;
  if (code === "cap_exceeded" || isQuota) return form(429, "insufficient_quota", "insufficient_quota");
  if (code === "unauthorized") return form(401, "invalid_request_error", "invalid_api_key");
  if (code === "unknown_model" || code === "unknown_route")
    return form(404, "invalid_request_error", "model_not_found");
  const status = statusOf(error);
  if (status === 429) return form(429, "requests", "rate_limit_exceeded");
  // What the provider found wrong in the request keeps its names: clients act on codes such as `context_length_exceeded`.
  if (code === "upstream_http_error" && status < 500) {
    return form(
      status,
      asString(error.details?.type) ?? "invalid_request_error",
      asString(error.details?.code) ?? code,
    );
  }
  return form(status, status >= 500 ? "server_error" : "invalid_request_error", code);
}

/** The types of Anthropic's errors page, by status. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

function anthropic(error: GatewayError): Form {
  const details = error.details && { details: error.details };
  const form = (status: number, type: string) => ({
    status,
    body: { type: "error", error: { type, message: error.message, ...details } },
  });
  // Anthropic's own answer when a spend limit is reached, and no client retries a 400.
  if (error.code === "cap_exceeded") return form(400, "invalid_request_error");
  const status = statusOf(error);
  const type = ANTHROPIC_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  // Too busy is 529 there.
  return form(status === 503 ? 529 : status, type);
}
