import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Refuses an upgrade with 426; its `upgrade` header names the protocol to use (RFC 9110, 15.5.22). */
export class UpgradeRequired extends GatewayError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, headers: Readonly<Record<string, string>>) {
    super("unsupported", message);
    this.headers = headers;
  }
}

const WEB_SOCKET = { upgrade: "websocket", "sec-websocket-version": "13" };

/**
 * Whether a request asks for a WebSocket. Upgrades to other protocols are ignored (RFC 9110, 7.8): Java's HttpClient offers
 * `h2c` with its first request.
 */
export const asksForWebSocket = ({ headers }: Pick<IncomingMessage, "headers">): boolean =>
  /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i.test(headers.upgrade ?? "");

/**
 * The error for a WebSocket at an HTTP endpoint. Codex tries a WebSocket at `/v1/responses` first and falls back to HTTP at
 * once after a 426; after a 404 it retries seven times, for six seconds.
 */
export const speaksHttp = (): UpgradeRequired =>
  new UpgradeRequired("this path speaks HTTP, not WebSocket", { upgrade: "HTTP/1.1" });

/** Throws UpgradeRequired unless the handshake has version 13 and uses HTTP/1.1 (RFC 6455, 4.2.1 and 4.4). */
export function checkHandshake({ headers, httpVersion }: Pick<IncomingMessage, "headers" | "httpVersion">): void {
  if (httpVersion === "1.0") throw new UpgradeRequired("a WebSocket requires HTTP/1.1", WEB_SOCKET);
  if (headers["sec-websocket-version"]?.trim() !== "13") {
    throw new UpgradeRequired("the WebSocket version must be 13", WEB_SOCKET);
  }
}
