import type { DialectName } from "../../protocol/dialects.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import type { HttpResponse } from "../core/ports/http-face.ts";
import { anthropic } from "./refusals/anthropic.ts";
import { type Form, saysWait } from "./refusals/facts.ts";
import { google } from "./refusals/google.ts";
import { openai } from "./refusals/openai.ts";

/**
 * Words a failure as an HTTP response in the vendor's own form, with the provider's type, code and parameter if it gave
 * them. Failures that a retry cannot help get a status that no measured agent retries (docs/faults.md, HTTP statuses).
 */
export function refusalBody(dialect: DialectName, error: GatewayError): HttpResponse {
  const { status, body } = (FORMS[dialect] ?? openai)(error);
  return {
    status,
    headers: { "content-type": "application/json", ...retryHeaders(error, status) },
    body: JSON.stringify(body),
  };
}

const FORMS: Readonly<Partial<Record<DialectName, (error: GatewayError) => Form>>> = {
  "anthropic-messages": anthropic,
  "google-gemini": google,
};

/**
 * OpenAI's and Anthropic's clients obey `x-should-retry` and prefer `retry-after-ms` to `retry-after`. A provider's wait
 * is told even if the provider also forbids a retry; the gateway's own failures give a wait only if waiting helps.
 */
function retryHeaders({ code, retryable, retryAfterMs }: GatewayError, status: number): Record<string, string> {
  const isProviders = code.startsWith("upstream_");
  const isWait = retryAfterMs !== undefined && saysWait({ code, retryable });
  return {
    ...(!retryable && { "x-should-retry": "false" }),
    ...(retryable && isProviders && !isRetriedAnyway(status) && { "x-should-retry": "true" }),
    ...(isWait && { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    ...(isWait && retryAfterMs % 1_000 !== 0 && { "retry-after-ms": String(retryAfterMs) }),
  };
}

/** Statuses that both vendors' clients retry by default. */
const isRetriedAnyway = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500;
