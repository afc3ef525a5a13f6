import type { IncomingMessage } from "node:http";
import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** More are refused here: Node's own limit leaves out what is beyond it without a word. */
const MAX_FIELDS = 64;

/** They say who asks and for what. Two of them could be read in two ways, here and by a proxy in front. */
const ONCE = new Set(["host", "origin", "authorization", "x-api-key", UPSTREAM_KEY_HEADER]);

/** `uri-host [":" port]` of RFC 9110, 7.2: an address in brackets, or the characters of a registered name (RFC 3986). */
const HOST = /^(?:\[[0-9A-Za-z.:_~!$&'()*+,;=-]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]*)(?::\d*)?$/;

/**
 * Checks the form of a request's head, which Node's parser leaves to us. Throws `bad_request` for more than 64 fields, for
 * two of a field that may come once (RFC 9110, 5.3), and for a Host that is missing or none (RFC 9112, 3.2).
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
  // Before version 1.1 there was none.
  if (host === undefined && httpVersion === "1.1") throw new GatewayError("bad_request", "no host field");
  if (host !== undefined && !HOST.test(host)) throw new GatewayError("bad_request", "the host field names no host");
}
