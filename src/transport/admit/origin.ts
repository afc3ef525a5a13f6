import type { IncomingHttpHeaders } from "node:http";
import { isIPv4, isIPv6 } from "node:net";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Which Host and Origin headers are accepted. */
export interface OriginRules {
  /** Exact web origins besides the gateway's own, such as `https://chat.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Host names of the gateway besides those of loopback. */
  readonly allowedHosts: readonly string[];
}

/**
 * The host name in a Host header, in lower case, without port and trailing dot; undefined when it is invalid. Allows
 * underscores, which DNS does not, because names in private networks have them.
 */
function hostName(header: string | undefined): string | undefined {
  if (header === undefined || !/^[A-Za-z0-9._:[\]-]+$/.test(header)) return undefined;
  try {
    return new URL(`http://${header}`).hostname.replace(/(?<=[^.])\.$/, "");
  } catch {
    return undefined;
  }
}

/** Whether a host name means this machine. `localhost` names are pinned to loopback by RFC 6761, section 6.3. */
export function isLoopbackHost(name: string): boolean {
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const address = name.replace(/^\[|\]$/g, "");
  return (isIPv4(address) && address.startsWith("127.")) || (isIPv6(address) && address === "::1");
}

/** Whether a Host header is an IP address, with or without a port. */
export function isAddress(header: string | undefined): boolean {
  const name = hostName(header)?.replace(/^\[|\]$/g, "") ?? "";
  return isIPv4(name) || isIPv6(name);
}

/**
 * Whether the Host header names this gateway. Checked on loopback too: otherwise a web page could rebind its
 * name to 127.0.0.1 and be same-origin with the gateway (as in CVE-2025-66414).
 */
export function isAllowedHost(header: string | undefined, rules: OriginRules): boolean {
  const name = hostName(header);
  return name !== undefined && (isLoopbackHost(name) || rules.allowedHosts.includes(name));
}

/**
 * Whether a browser's Origin is accepted: the gateway's own pages (the origin's host equals the checked Host header) and
 * listed ones. A request without an Origin is not from a page; `null` is never accepted.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, rules: OriginRules): boolean {
  if (origin === undefined) return true;
  if (rules.allowedOrigins.includes(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}

/** What is quoted of a Host header, in characters: the longest host name. */
const MAX_QUOTED = 253;

/**
 * Throws `host_not_allowed` or `origin_not_allowed`, naming the setting that would allow it. Repeats nothing of the
 * headers but the host, if it is a host name: behind a proxy, an operator must learn which name arrives.
 */
export function checkSource({ host, origin }: IncomingHttpHeaders, rules: OriginRules): void {
  if (!isAllowedHost(host, rules)) {
    const seen = hostName(host)?.slice(0, MAX_QUOTED);
    const message = `the Host header names ${seen ?? "no host"}, which is neither a loopback host nor in allowedHosts`;
    throw new GatewayError("host_not_allowed", message, { setting: "allowedHosts" });
  }
  if (!isAllowedOrigin(origin, host, rules)) {
    const message = "this web origin is neither the gateway's own nor in allowedOrigins";
    throw new GatewayError("origin_not_allowed", message, { setting: "allowedOrigins" });
  }
}

/**
 * The CORS headers that let a page of a listed origin read a response (Fetch standard). Never for `null` or `*`, and
 * never with cookies: credentials are sent in a header.
 */
export function sharingHeaders({ origin }: IncomingHttpHeaders, rules: OriginRules): Readonly<Record<string, string>> {
  if (origin === undefined || !rules.allowedOrigins.includes(origin)) return {};
  return { "access-control-allow-origin": origin, "access-control-expose-headers": "*", vary: "origin" };
}
