import type { GatewayError } from "../../core/kernel/errors.ts";
import { asString } from "../../core/kernel/json.ts";
import { type Form, isKeyRefused, isSpent, saysWait, statusOf } from "./facts.ts";

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
export function google(error: GatewayError): Form {
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
