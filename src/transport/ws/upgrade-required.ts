import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../core/kernel/errors.ts";

/** An upgrade that could succeed only as something else: answered 426, whose `upgrade` field says what (RFC 9110, 15.5.22). */
export class UpgradeRequired extends GatewayError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, headers: Readonly<Record<string, string>>) {
    super("unsupported", message);
    this.headers = headers;
  }
}

const WEB_SOCKET = { upgrade: "websocket", "sec-websocket-version": "13" };

/**
 * Whether a request asks to go on as a WebSocket. What asks for another protocol is served as if it did not (RFC 9110, 7.8):
 * Java's HttpClient offers `h2c` with its first request.
 */
export const asksForWebSocket = ({ headers }: Pick<IncomingMessage, "headers">): boolean =>
  /(?:^|,)[ \t]*websocket[ \t]*(?:,|$)/i.test(headers.upgrade ?? "");

/**
 * The path is an HTTP API's and no WebSocket's. Codex, which tries a WebSocket at `/v1/responses` first, sends its request
 * over HTTP at once after a 426; after a 404 it tries seven times, for six seconds.
 */
export const speaksHttp = (): UpgradeRequired =>
  new UpgradeRequired("this path speaks HTTP, not WebSocket", { upgrade: "HTTP/1.1" });

/** Throws for a handshake of another version than ours, or of HTTP/1.0, where no upgrade counts (RFC 6455, 4.2.1 and 4.4). */
export function checkHandshake({ headers, httpVersion }: Pick<IncomingMessage, "headers" | "httpVersion">): void {
  if (httpVersion === "1.0") throw new UpgradeRequired("a WebSocket needs HTTP/1.1", WEB_SOCKET);
  if (headers["sec-websocket-version"]?.trim() !== "13") {
    throw new UpgradeRequired("the WebSocket version is 13", WEB_SOCKET);
  }
}
