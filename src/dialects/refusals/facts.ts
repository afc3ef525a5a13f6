/** What every vendor's form of a failure depends on. */
import { CODES } from "../../../protocol/codes.ts";
import { isUsedUp } from "../../core/dialect/error-meaning.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";

/** A failure in a vendor's form. */
export interface Form {
  readonly status: number;
  readonly body: object;
}

/** Whether the client is told how long to wait. */
export const saysWait = ({ code, retryable }: Pick<GatewayError, "code" | "retryable">): boolean =>
  retryable || code.startsWith("upstream_");

/** Whether a cap or the provider's account is exhausted. */
export const isSpent = ({ code, message, retryable, details }: GatewayError): boolean =>
  code === "cap_exceeded" ||
  (code.startsWith("upstream_") && !retryable && (details?.status === 402 || isUsedUp(details ?? {}, message)));

/** Whether the provider refused the gateway's key, which the client can do nothing about. */
export const isKeyRefused = ({ code, details }: GatewayError): boolean =>
  code === "upstream_http_error" && (details?.status === 401 || details?.status === 403 || details?.status === 407);

/** The provider's own status, as a client without a gateway would see it; otherwise the code's. */
export function statusOf({ code, details, retryable }: GatewayError): number {
  // A certificate that does not fit: agents repeat a 502 whatever `x-should-retry` says.
  if (code === "upstream_unreachable" && !retryable) return 400;
  const given = details?.status;
  const isRefusal = typeof given === "number" && given >= 400 && given < 600;
  return code === "upstream_http_error" && isRefusal ? given : CODES[code].httpStatus;
}
