import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import type { ProxyPeer } from "./open-socket.ts";

/** An HTTP proxy on the way to an upstream. */
export interface ProxyOptions {
  /** An http or https URL. */
  readonly url: string;
  /** `user:password`. */
  readonly credentials?: string | undefined;
  /** The certificates to trust for the proxy itself; called only for https. */
  readonly trust: () => SecureContext;
}

/**
 * The proxy as a peer, with its request for a tunnel to `authority` (`host:port`). Its own address is not guarded: the
 * configuration names it, and proxies usually stand in a private network.
 */
export function proxyPeer({ url, credentials, trust }: ProxyOptions, authority: string, route: string): ProxyPeer {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const isSecure = protocol === "https:";
  const authorization =
    credentials === undefined ? "" : `proxy-authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
  return {
    host,
    port: Number(port) || (isSecure ? 443 : 80),
    tls: isSecure ? { servername: isIP(host) === 0 ? host : "", trust: trust(), session: undefined } : undefined,
    request: `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`,
    route,
  };
}
