/** OpenClaw's form of failures: the `error` of a response, and the `error` event of a run. */
import type { Code } from "../../../../protocol/codes.ts";
import type { ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import type { OpenClawErrorCode, Scope } from "../../../../protocol/openclaw/wire.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import type { GatewayError } from "../../../core/kernel/errors.ts";
import { failureWords } from "../../chat/failure-words.ts";

/** In characters: messages may quote names that a client sent, of any length. */
const MAX_MESSAGE = 500;

/** Failures caused by the request. All others are the gateway's or the upstream's: UNAVAILABLE. */
const REQUEST_FAULTS: ReadonlySet<Code> = new Set<Code>([
  "bad_frame",
  "unknown_method",
  "bad_request",
  "duplicate_id",
  "unknown_model",
  "unknown_route",
  "unknown_session",
  "unsupported",
  "frame_too_large",
  "binary_frame",
  "unauthorized",
  "bad_protocol_version",
  "cancelled",
]);

/** OpenClaw's code for one of ours. */
export function openClawCode(code: Code): OpenClawErrorCode {
  if (code === "forbidden") return "FORBIDDEN";
  return REQUEST_FAULTS.has(code) ? "INVALID_REQUEST" : "UNAVAILABLE";
}

/** `details.code` is the gateway's own code, unless `details` has one of OpenClaw's. */
export function toErrorShape(error: GatewayError, details?: Readonly<Record<string, unknown>>): ErrorShape {
  return {
    code: openClawCode(error.code),
    message: error.message === "" ? error.code : error.message.slice(0, MAX_MESSAGE),
    details: { code: error.code, ...error.details, ...details },
    ...(error.retryable && { retryable: true }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: Math.ceil(error.retryAfterMs) }),
  };
}

/** The exact form by which clients recognise a missing scope; its details are a closed object. */
export function missingScope(scope: Scope): ErrorShape {
  return {
    code: "FORBIDDEN",
    message: `missing scope: ${scope}`,
    details: { code: "MISSING_SCOPE", missingScope: scope, requiredScopes: [scope] },
  };
}

/** In characters, as OpenClaw's schema allows in the fields of an `errorDetail`. */
const MAX_DETAIL = 300;

const CONTEXT_LENGTH = /context.{0,20}(length|window)|maximum.{0,20}tokens|prompt is too long|too many tokens/i;

function errorKind(error: GatewayError): "timeout" | "rate_limit" | "context_length" | "unknown" {
  if (error.code === "upstream_timeout") return "timeout";
  if (error.code === "upstream_rate_limited" || error.code === "rate_limited") return "rate_limit";
  return CONTEXT_LENGTH.test(error.message) ? "context_length" : "unknown";
}

/** The fields of a `chat` event of state `error`, besides the partial message. */
export function chatFailure(error: GatewayError, model: Model) {
  const { status, type } = error.details ?? {};
  const cut = (text: string) => text.slice(0, MAX_DETAIL);
  return {
    errorMessage: failureWords(error, model.route.name),
    errorKind: errorKind(error),
    errorDetail: {
      provider: cut(model.route.name),
      model: cut(model.alias),
      providerRuntimeFailureKind: error.code,
      ...(typeof status === "number" && status >= 100 && status <= 599 && { httpStatus: status }),
      ...(typeof type === "string" && type !== "" && { providerErrorType: cut(type) }),
      providerErrorMessagePreview: cut(error.message),
    },
  };
}
