import type { IncomingMessage } from "node:http";

/** A target in absolute form, as clients send it that take us for a proxy (RFC 9112, 3.2.2): whom it names. */
const ABSOLUTE = /^https?:\/\/(\[[0-9A-Fa-f:.]+\](?::\d*)?|[^/?#@[\]]+)/i;

/** The path a request asks for, without its query. */
export function pathOf({ url = "/" }: Pick<IncomingMessage, "url">): string {
  const [path = ""] = url.replace(ABSOLUTE, "").split(/[?#]/, 1);
  return path === "" ? "/" : path;
}

/**
 * The path that is meant by one with a slash or a `/v1` too many or too few, as base URLs put together wrongly make them:
 * `/v1//models`, `/models/`, `/v1/v1/models`.
 */
export const meantPath = (path: string): string =>
  `/${path}`
    .replace(/\/+/g, "/")
    .replace(/(?<=.)\/$/, "")
    .replace(/^(?:\/v1(?=\/|$))*/, "/v1");

/** The header fields that say where a request comes from, and for whom it is: a target in absolute form counts before Host. */
export function sourceOf({ headers, url = "/" }: Pick<IncomingMessage, "headers" | "url">) {
  const host = ABSOLUTE.exec(url)?.[1];
  return host === undefined ? headers : { ...headers, host };
}

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
}

/** A header field that comes once, by lower-case name. */
export function fieldOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether the client sends its body only when it is told to go on, or after a while (RFC 9110, 10.1.1). */
export const expectsContinue = ({ headers }: IncomingMessage): boolean =>
  /(?:^|,)[ \t]*100-continue[ \t]*(?:,|$)/i.test(headers.expect ?? "");

/** Whether a body follows the request's head. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
