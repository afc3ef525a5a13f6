import { CODES } from "../../protocol/codes.ts";
import type { DialectName } from "../../protocol/dialects.ts";
import { isUsedUp } from "../core/dialect/error-meaning.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import { asString } from "../core/kernel/json.ts";
import type { HttpResponse } from "../core/ports/http-face.ts";

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

interface Form {
  readonly status: number;
  readonly body: object;
}

/**
 * OpenAI's and Anthropic's clients obey `x-should-retry` and prefer `retry-after-ms` to `retry-after`. A provider's wait is passed on
 * even if the provider also forbids a retry; the gateway's own failures give a wait only if waiting helps.
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

/** Whether a wait is passed on. */
const saysWait = ({ code, retryable }: Pick<GatewayError, "code" | "retryable">): boolean =>
  retryable || code.startsWith("upstream_");

/** Statuses that both vendors' clients retry by default. */
const isRetriedAnyway = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500;

/** Whether a cap or the provider's account is exhausted. */
const isSpent = ({ code, message, retryable, details }: GatewayError): boolean =>
  code === "cap_exceeded" ||
  (code.startsWith("upstream_") && !retryable && (details?.status === 402 || isUsedUp(details ?? {}, message)));

/** Whether the provider refused the gateway's key, which the client can do nothing about. */
const isKeyRefused = ({ code, details }: GatewayError): boolean =>
  code === "upstream_http_error" && (details?.status === 401 || details?.status === 403 || details?.status === 407);

/** The provider's own status, as a client without a gateway would see it; otherwise the code's. */
function statusOf({ code, details, retryable }: GatewayError): number {
  // A certificate that does not fit: agents repeat a 502 whatever `x-should-retry` says.
  if (code === "upstream_unreachable" && !retryable) return 400;
  const given = details?.status;
  const isRefusal = typeof given === "number" && given >= 400 && given < 600;
  return code === "upstream_http_error" && isRefusal ? given : CODES[code].httpStatus;
}

function openai(error: GatewayError): Form {
  const { code, message, details } = error;
  const said = { type: asString(details?.type), code: asString(details?.code), param: asString(details?.param) };
  const form = (status: number, type: string, name: string | null) => ({
    status,
    body: { error: { message, type, param: said.param ?? null, code: name, ...(details && { details }) } },
  });
  if (isSpent(error)) return form(400, "insufficient_quota", said.code ?? "insufficient_quota");
  if (isKeyRefused(error)) return form(400, "invalid_request_error", code);
  if (code === "unauthorized") return form(401, "invalid_request_error", "invalid_api_key");
  if (code === "unknown_model" || code === "unknown_route")
    return form(404, "invalid_request_error", "model_not_found");
  const status = statusOf(error);
  if (status === 429) return form(429, said.type ?? "requests", said.code ?? "rate_limit_exceeded");
  // Clients act on codes such as `context_length_exceeded`. A provider that sent a type without a code sent no code.
  if (code.startsWith("upstream_") && said.type !== undefined) return form(status, said.type, said.code ?? null);
  return form(status, status >= 500 ? "server_error" : "invalid_request_error", code);
}

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

function anthropic(error: GatewayError): Form {
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

/** Google's names of HTTP statuses (https://cloud.google.com/apis/design/errors). */
const GOOGLE_STATUSES: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/**
 * Google's form. Its clients read the wait from `RetryInfo`, and Gemini CLI repeats 429, 499 and every 5xx up to ten times: a
 * cap that is used up is `FAILED_PRECONDITION`, which it shows at once.
 */
function google(error: GatewayError): Form {
  const { code, message, details, retryAfterMs } = error;
  const said = code.startsWith("upstream_") ? asString(details?.type) : undefined;
  const form = (
    status: number,
    name = GOOGLE_STATUSES[status] ?? (status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT"),
  ) => ({
    status,
    body: {
      error: {
        code: status,
        message,
        status: name,
        details: [
          {
            "@type": `${RPC}ErrorInfo`,
            reason: code.toUpperCase(),
            domain: "sluice",
            ...(details && { metadata: asTexts(details) }),
          },
          ...(retryAfterMs !== undefined && saysWait(error)
            ? [{ "@type": `${RPC}RetryInfo`, retryDelay: `${retryAfterMs / 1_000}s` }]
            : []),
        ],
      },
    },
  });
  if (isSpent(error)) return form(400, "FAILED_PRECONDITION");
  if (isKeyRefused(error)) return form(403);
  const status = statusOf(error);
  return form(status, said !== undefined && /^[A-Z]+(?:_[A-Z]+)*$/.test(said) ? said : undefined);
}

/** An `ErrorInfo` has room for texts only. */
const asTexts = (details: object): Record<string, string> =>
  Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]));

const RPC = "type.googleapis.com/google.rpc.";
