import type { IncomingMessage } from "node:http";
import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Header fields of a request. Node's own limit drops further ones silently. */
const MAX_FIELDS = 64;

/** Fields that identify the client or the target. If repeated, a proxy in front could read another one than we do. */
const ONCE = new Set(["host", "origin", "authorization", "x-api-key", "x-goog-api-key", UPSTREAM_KEY_HEADER]);

/** `uri-host [":" port]` of RFC 9110, 7.2: an address in brackets, or the characters of a registered name (RFC 3986). */
const HOST = /^(?:\[[0-9A-Za-z.:_~!$&'()*+,;=-]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]*)(?::\d*)?$/;

/**
 * Checks what Node's parser does not. Throws `bad_request` for more than 64 header fields, for a repeated field that may
 * appear once (RFC 9110, 5.3), and for a missing or invalid Host (RFC 9112, 3.2).
 */
export function checkHead({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MAX_FIELDS)
    throw new GatewayError("bad_request", `more than ${MAX_FIELDS} header fields`);
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? "";
    if (!ONCE.has(name)) continue;
    if (seen.has(name)) throw new GatewayError("bad_request", `more than one ${name} field`);
    seen.add(name);
  }
  const { host } = headers;
  // HTTP/1.0 has no Host.
  if (host === undefined && httpVersion === "1.1") throw new GatewayError("bad_request", "no host field");
  if (host !== undefined && !HOST.test(host)) throw new GatewayError("bad_request", "the host field names no host");
}
