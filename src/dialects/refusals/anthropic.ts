import type { GatewayError } from "../../core/kernel/errors.ts";
import { asString } from "../../core/kernel/json.ts";
import { type Form, isKeyRefused, isSpent, statusOf } from "./facts.ts";

/** The types of Anthropic's errors page, by status. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

/** Anthropic's form. */
export function anthropic(error: GatewayError): Form {
  const { code, message, details } = error;
  const form = (status: number, type = typeOf(status)) => ({
    status,
    body: { type: "error", error: { type, message, ...(details && { details }) } },
  });
  if (isSpent(error)) return form(402);
  if (isKeyRefused(error)) return form(403);
  const status = statusOf(error);
  const said = code.startsWith("upstream_") ? asString(details?.type) : undefined;
  // Too busy is 529 there.
  return form(status === 503 ? 529 : status, said ?? typeOf(status));
}

const typeOf = (status: number): string =>
  ANTHROPIC_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
