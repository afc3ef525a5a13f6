// @ts-check
/**
 * Browsers cannot set headers on a WebSocket, so the token is sent as a second subprotocol, which is never echoed.
 * @param {string} token
 */
export function tokenSubprotocol(token) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  const base64url = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `base64url.bearer.sluice.${base64url}`;
}
