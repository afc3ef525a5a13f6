import type { IncomingMessage } from "node:http";

/** The authority of a target in absolute form, as clients send it to a proxy (RFC 9112, 3.2.2). */
const ABSOLUTE = /^https?:\/\/(\[[0-9A-Fa-f:.]+\](?::\d*)?|[^/?#@[\]]+)/i;

/** The path of a request's target, without its query. */
export function pathOf({ url = "/" }: Pick<IncomingMessage, "url">): string {
  const [path = ""] = url.replace(ABSOLUTE, "").split(/[?#]/, 1);
  return path === "" ? "/" : path;
}

/** A request's target after a prefix: empty or a query for the prefix alone; undefined if it is elsewhere. */
export function afterPrefix({ url = "/" }: Pick<IncomingMessage, "url">, prefix = ""): string | undefined {
  const rest = prefix !== "" && url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
  return rest === undefined || !/^(?:[/?]|$)/.test(rest) ? undefined : rest;
}

/**
 * Corrects a path with superfluous slashes or with none or several `/v1`, as wrong base URLs produce them: `/v1//models`,
 * `/models/` and `/v1/v1/models` all become `/v1/models`.
 */
export const meantPath = (path: string): string =>
  `/${path}`
    .replace(/\/+/g, "/")
    .replace(/(?<=.)\/$/, "")
    .replace(/^(?:\/v1(?=\/|$))*/, "/v1");

/** The request's headers, with the host of a target in absolute form in place of Host (RFC 9112, 3.2.2). */
export function sourceOf({ headers, url = "/" }: Pick<IncomingMessage, "headers" | "url">) {
  const host = ABSOLUTE.exec(url)?.[1];
  return host === undefined ? headers : { ...headers, host };
}

/** The query of a request target, decoded; empty when it has none. */
export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
}

/** A header's value by lower-case name; undefined if it is missing or repeated. */
export function fieldOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether the client waits for `100 Continue` before it sends its body (RFC 9110, 10.1.1). */
export const expectsContinue = ({ headers }: IncomingMessage): boolean =>
  /(?:^|,)[ \t]*100-continue[ \t]*(?:,|$)/i.test(headers.expect ?? "");

/** Whether the request has a body. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
