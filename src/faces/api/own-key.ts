import { GatewayError } from "../../core/kernel/errors.ts";

/** Reports a provider's 401 or 403 as the caller's own, for a request that brought its own upstream key. */
export function aboutOwnKey(error: GatewayError): GatewayError {
  const status = error.code === "upstream_http_error" ? error.details?.status : undefined;
  if (status !== 401 && status !== 403) return error;
  return new GatewayError(status === 401 ? "unauthorized" : "forbidden", error.message);
}
