import { errors } from "undici";
import { GatewayError } from "../core/errors.ts";

/** How far an exchange had come: no connection yet; the request sent; the headers of the answer received. */
export type Stage = "connecting" | "waiting" | "answering";

/** What a failure of a connection means to the caller. */
export function connectionError(error: Error, stage: Stage): GatewayError {
  if (error instanceof GatewayError) return error;
  const cause = { cause: error };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError) {
    return new GatewayError("shutting_down", undefined, cause);
  }
  if (error instanceof errors.InvalidArgumentError) return new GatewayError("internal", undefined, cause);
  if (stage === "connecting") {
    const details = { reason: code ?? "unknown" };
    return new GatewayError("upstream_unreachable", undefined, { ...cause, details });
  }
  if (error instanceof errors.HeadersOverflowError) {
    return new GatewayError("upstream_bad_response", "the upstream's headers are too large", {
      ...cause,
      details: { reason: "headers_too_large" },
    });
  }
  const cut = stage === "answering" ? "upstream_truncated" : "upstream_reset";
  if (error instanceof errors.HTTPParserError) {
    // undici 8 gives its parser's errors no code: the end of the input inside a message is told by its text.
    const ended = error.message.includes("Invalid EOF state");
    return new GatewayError(ended ? cut : "upstream_protocol", undefined, cause);
  }
  if (error instanceof errors.ResponseContentLengthMismatchError) return new GatewayError(cut, undefined, cause);
  if (error instanceof errors.SocketError) {
    // "bad response", "bad upgrade": what came is no answer to what was asked.
    return new GatewayError(error.message.startsWith("bad ") ? "upstream_protocol" : cut, undefined, cause);
  }
  return new GatewayError("upstream_reset", undefined, cause);
}
