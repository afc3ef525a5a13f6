import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CODES } from "../../../protocol/codes.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import { expectsContinue, hasBody } from "./target.ts";

/** A complete HTTP response. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Called once the body is sent or its client is gone. */
  readonly over?: () => void;
}

/** A JSON response marked as not cacheable. */
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

/** An error of HTTP itself, as `bad_request` with a status of its own. */
export const errorPage = (status: number, message: string, headers: Readonly<Record<string, string>>): Page =>
  jsonPage(status, { error: { code: "bad_request", message, retryable: false } }, headers);

/** Leads from a prefix without its slash to the one with it: the addresses in a page are relative to that. */
export const slashPage = (prefix = "", query = ""): Page => ({
  status: 307,
  headers: { location: `${prefix}/${query}`, "cache-control": "no-store" },
  body: "",
});

/** An error as JSON in Sluice's own form, with the status of its code. */
export function refusalPage(error: GatewayError): Page {
  const retryAfter =
    error.retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterMs / 1_000)) };
  return jsonPage(CODES[error.code].httpStatus, { error: error.toBody() }, retryAfter);
}

/**
 * Resolves when the responses before it on its socket are sent, so that a socket holds one page however many requests it
 * pipelines; never if it closes before. A client that takes nothing of the page for `stallMs` is closed.
 */
export async function turnOf(response: ServerResponse, stallMs: number): Promise<void> {
  if (response.socket === null) await new Promise((resolve) => response.once("socket", resolve));
  response.setTimeout(stallMs, () => {
    if (response.writableLength > 0) response.destroy();
  });
}

/**
 * Sends a response with additional headers. It ends once the request has been received; the rest of the request is
 * discarded. If the client still waits for `100 Continue` (`isHeldBack`), the body may never arrive, so the connection
 * closes with the response.
 */
export function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  page: Page,
  headers: Readonly<Record<string, string>> = {},
  isHeldBack = expectsContinue(request),
): void {
  if (page.over && response.destroyed) page.over();
  else if (page.over) response.once("close", page.over);
  // A 204 must not have a content-length (RFC 9110, 8.6).
  const length = page.status === 204 ? {} : { "content-length": Buffer.byteLength(page.body) };
  const isLast = isHeldBack && hasBody(request) ? { connection: "close" } : {};
  response.writeHead(page.status, { ...length, ...headers, ...page.headers, ...isLast });
  const body = request.method === "HEAD" ? "" : page.body;
  if (request.complete || !hasBody(request) || isHeldBack) response.end(body);
  else {
    // Many clients read a response only after they have sent everything; closing the socket earlier would lose it.
    response.write(body);
    request.once("close", () => response.end());
    request.resume();
  }
}

/** Responds to an upgrade with an ordinary HTTP response, and closes the socket even if the client does not. */
export function refuseUpgrade(socket: Duplex, page: Page): void {
  socket.once("finish", () => socket.destroy());
  const head = Object.entries({
    ...page.headers,
    "content-length": String(Buffer.byteLength(page.body)),
    // An Upgrade field must be listed in Connection (RFC 9110, 7.8).
    connection: page.headers.upgrade === undefined ? "close" : "upgrade, close",
  });
  socket.end(
    `HTTP/1.1 ${page.status} Refused\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${page.body}`,
  );
}
