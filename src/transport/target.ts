import type { IncomingMessage } from "node:http";

/** The path a request asks for, without its query. */
export const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  return new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
}
