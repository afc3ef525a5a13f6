import { GatewayError } from "../../core/kernel/errors.ts";

/**
 * How far an exchange had come: no connection yet; the request sent; the head of the response received. `stale`: the
 * request was sent on a connection that had served another one before, and that closed without a byte of a response.
 */
export type Stage = "connecting" | "stale" | "waiting" | "answering";

/** TLS alerts by which an upstream refuses our certificate, or asks for one that the route does not have. */
const CERTIFICATE_ALERT = /^ERR_SSL_\w*ALERT_\w*(?:CERTIFICATE|UNKNOWN_CA)/;

/** What a failed connection means to the caller. */
export function connectionError(error: Error, stage: Stage): GatewayError {
  if (error instanceof GatewayError) return error;
  if (CERTIFICATE_ALERT.test(codeOf(error))) return certificateError(error);
  if (stage !== "connecting") return new GatewayError("upstream_reset", undefined, { cause: error });
  return new GatewayError("upstream_unreachable", undefined, { cause: error, details: { reason: codeOf(error) } });
}

/** A certificate that cannot be verified: it will not be right a second later, so nothing is tried again. */
export function certificateError(error: Error): GatewayError {
  const reason = codeOf(error);
  return new GatewayError("upstream_unreachable", `the TLS certificates do not fit: ${reason}`, {
    cause: error,
    details: { reason },
    retryable: false,
  });
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "unknown");
