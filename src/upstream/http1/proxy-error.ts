import { type ErrorDetails, GatewayError } from "../../core/kernel/errors.ts";

/** The answer of a proxy that opens no tunnel. Nothing of its words is repeated: it may quote our credentials. */
export function proxyRefusal(route: string, status: number): GatewayError {
  const why =
    status === 407
      ? `asks for other credentials (status 407); they are configured in routes.${route}.proxy`
      : `opens no tunnel to the upstream: it answered ${status}`;
  return proxyError(route, why, { reason: "proxy_refused", proxyStatus: status }, status >= 500);
}

/** A proxy that cannot be reached or trusted. `code` is the system's. */
export function proxyUnreachable(route: string, code: string, isTrusted: boolean): GatewayError {
  const why = isTrusted ? `cannot be reached: ${code}` : `has a TLS certificate that does not fit: ${code}`;
  return proxyError(route, why, { reason: code }, isTrusted);
}

/** A proxy that left before it answered, or did not answer in time. */
export const proxySilent = (route: string, how: string): GatewayError =>
  proxyError(route, how, { reason: "proxy_silent" }, true);

/** What answers is no proxy: most likely another server stands at its address. */
export const noProxy = (route: string): GatewayError =>
  proxyError(route, "does not answer as an HTTP proxy", { reason: "proxy_protocol" }, false);

const proxyError = (route: string, why: string, details: ErrorDetails, retryable: boolean): GatewayError =>
  new GatewayError("upstream_unreachable", `the proxy of the route ${route} ${why}`, { details, retryable });
