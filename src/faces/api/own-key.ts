import { GatewayError } from "../../core/kernel/errors.ts";

/** What a provider says of a key that the caller brought is about the caller, not about the gateway. */
export function aboutOwnKey(error: GatewayError): GatewayError {
  const status = error.code === "upstream_http_error" ? error.details?.status : undefined;
  if (status !== 401 && status !== 403) return error;
  return new GatewayError(status === 401 ? "unauthorized" : "forbidden", error.message);
}
