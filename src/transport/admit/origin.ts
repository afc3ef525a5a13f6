import type { IncomingHttpHeaders } from "node:http";
import { isIPv4, isIPv6 } from "node:net";
import { GatewayError } from "../../core/kernel/errors.ts";

export interface OriginRules {
  /** Exact web origins besides the gateway's own, such as `https://chat.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Host names besides the loopback ones under which the gateway is reached. */
  readonly allowedHosts: readonly string[];
}

/**
 * The host name of a Host header, without its port and the dot of its root, in lower case; undefined when it is not one. Names
 * of machines in private networks have underscores, though those of the DNS have none.
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
 * Whether the Host header names this gateway. Checked on loopback too: a web page whose name is re-bound to 127.0.0.1
 * would otherwise be same-origin with us (CVE-2025-66414 was this).
 */
export function isAllowedHost(header: string | undefined, rules: OriginRules): boolean {
  const name = hostName(header);
  return name !== undefined && (isLoopbackHost(name) || rules.allowedHosts.includes(name));
}

/**
 * Whether a browser's Origin may speak to us: our own pages (the origin's host is the Host header, which was checked)
 * and the listed ones. A request without Origin is not a browser's; `null` never passes.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, rules: OriginRules): boolean {
  if (origin === undefined) return true;
  if (rules.allowedOrigins.includes(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}

/**
 * Throws `host_not_allowed` or `origin_not_allowed`, each with the name of the setting that would allow it. What the client
 * sent is not repeated: no header's value ever is.
 */
export function checkSource({ host, origin }: IncomingHttpHeaders, rules: OriginRules): void {
  if (!isAllowedHost(host, rules)) {
    throw new GatewayError("host_not_allowed", "the Host header names no loopback host and none of allowedHosts");
  }
  if (!isAllowedOrigin(origin, host, rules)) {
    throw new GatewayError("origin_not_allowed", "this web origin is neither the gateway's own nor in allowedOrigins");
  }
}

/**
 * What a browser wants to see before a page of another, listed origin may read an answer (Fetch standard, CORS). Never
 * for `null`, never for everybody, and never with cookies: credentials come in a header.
 */
export function sharingHeaders({ origin }: IncomingHttpHeaders, rules: OriginRules): Readonly<Record<string, string>> {
  if (origin === undefined || !rules.allowedOrigins.includes(origin)) return {};
  return { "access-control-allow-origin": origin, "access-control-expose-headers": "*", vary: "origin" };
}
