import type { IncomingHttpHeaders } from "node:http";

/** Browsers cannot set headers on a WebSocket; they offer the token as one more subprotocol, which is never echoed. */
const TOKEN_SUBPROTOCOL = "base64url.bearer.sluice.";

/** The subprotocols a handshake offers, in order. */
export function offeredSubprotocols(headers: IncomingHttpHeaders): readonly string[] {
  const header = headers["sec-websocket-protocol"];
  return header === undefined ? [] : header.split(",").map((name) => name.trim());
}

/** The token of a request: `Authorization: Bearer`, or the token subprotocol. Never from the URL, which gets logged. */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  const offered = offeredSubprotocols(headers).find((name) => name.startsWith(TOKEN_SUBPROTOCOL));
  return offered === undefined
    ? undefined
    : Buffer.from(offered.slice(TOKEN_SUBPROTOCOL.length), "base64url").toString("utf8");
}
