import { GatewayError } from "../../core/kernel/errors.ts";

/** How far an exchange had come: no connection yet; the request sent; the headers of the answer received. */
export type Stage = "connecting" | "waiting" | "answering";

/** What a failure of a connection means to the caller. */
export function connectionError(error: Error, stage: Stage): GatewayError {
  if (error instanceof GatewayError) return error;
  if (stage !== "connecting") return new GatewayError("upstream_reset", undefined, { cause: error });
  const reason = "code" in error && typeof error.code === "string" ? error.code : "unknown";
  return new GatewayError("upstream_unreachable", undefined, { cause: error, details: { reason } });
}
