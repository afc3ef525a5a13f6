import type { IncomingHttpHeaders } from "node:http";
import { bearerToken } from "../../core/caller/bearer-token.ts";

/** Browsers cannot set headers on a WebSocket, so they offer the token as a subprotocol, which is never selected. */
const TOKEN_SUBPROTOCOL = "base64url.bearer.sluice.";

/** Where the vendors' clients send a key alone. */
const KEY_HEADERS = ["x-api-key", "x-goog-api-key"];

/** The same for a one-time ticket. */
const TICKET_SUBPROTOCOL = "ticket.sluice.";

/** The subprotocols a handshake offers, in order. */
export function offeredSubprotocols(headers: IncomingHttpHeaders): readonly string[] {
  const header = headers["sec-websocket-protocol"];
  return header === undefined ? [] : header.split(",").map((name) => name.trim());
}

/**
 * The tokens of a request: `Authorization: Bearer`, `x-api-key` and `x-goog-api-key` as Anthropic's and Google's clients send it, and
 * the token subprotocol. Agents signed in elsewhere may send that login besides the gateway's key. Never from the URL, which is logged.
 */
export function tokensOf(headers: IncomingHttpHeaders): readonly string[] {
  const offered = offeredSubprotocols(headers).find((name) => name.startsWith(TOKEN_SUBPROTOCOL));
  const tokens = [
    bearerToken(headers.authorization),
    ...KEY_HEADERS.map((name) => headers[name]).filter((key): key is string => typeof key === "string" && key !== ""),
    offered && Buffer.from(offered.slice(TOKEN_SUBPROTOCOL.length), "base64url").toString("utf8"),
  ];
  return [...new Set(tokens.filter((token) => token !== undefined))];
}

/** The one-time ticket in a handshake's subprotocols. */
export function ticketOf(headers: IncomingHttpHeaders): string | undefined {
  const offered = offeredSubprotocols(headers).find((name) => name.startsWith(TICKET_SUBPROTOCOL));
  return offered?.slice(TICKET_SUBPROTOCOL.length);
}
