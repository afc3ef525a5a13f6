import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CODES } from "../../../protocol/codes.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import { expectsContinue, hasBody } from "./target.ts";

/** An HTTP answer that is there at once. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** A JSON answer that no cache keeps. */
export function jsonPage(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Page {
  return {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** An error that is about HTTP itself. */
export const errorPage = (status: number, message: string, headers: Readonly<Record<string, string>>): Page =>
  jsonPage(status, { error: { code: "bad_request", message, retryable: false } }, headers);

/** A refusal as JSON, with the status of its code. */
export function refusalPage(error: GatewayError): Page {
  const retryAfter =
    error.retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterMs / 1_000)) };
  return jsonPage(CODES[error.code].httpStatus, { error: error.toBody() }, retryAfter);
}

/**
 * Sends an answer, and headers besides its own. It ends with the request: what still comes of that is thrown away. A body that
 * waits for a 100 (`isHeldBack`) may never come, so then the connection ends with the answer.
 */
export function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  page: Page,
  headers: Readonly<Record<string, string>> = {},
  isHeldBack = expectsContinue(request),
): void {
  // A 204 has no body, and must not speak of its length (RFC 9110, 8.6).
  const length = page.status === 204 ? {} : { "content-length": Buffer.byteLength(page.body) };
  const isLast = isHeldBack && hasBody(request) ? { connection: "close" } : {};
  response.writeHead(page.status, { ...length, ...headers, ...page.headers, ...isLast });
  const body = request.method === "HEAD" ? "" : page.body;
  if (request.complete || !hasBody(request) || isHeldBack) response.end(body);
  else {
    // Many clients hear an answer only when they have sent all, and a socket that is closed on them takes it away.
    response.write(body);
    request.once("close", () => response.end());
    request.resume();
  }
}

/** Answers an upgrade with an ordinary HTTP response and closes, whether the client hangs up or not. */
export function refuseUpgrade(socket: Duplex, page: Page): void {
  socket.once("finish", () => socket.destroy());
  const head = Object.entries({
    ...page.headers,
    "content-length": String(Buffer.byteLength(page.body)),
    // A field for the next hop alone is named there (RFC 9110, 7.8).
    connection: page.headers.upgrade === undefined ? "close" : "upgrade, close",
  });
  socket.end(
    `HTTP/1.1 ${page.status} Refused\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${page.body}`,
  );
}
