import type { IncomingMessage } from "node:http";

/** The path a request asks for, without its query. */
export const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
}

/** A header field that comes once, by lower-case name. */
export function fieldOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether a body follows the request's head. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
