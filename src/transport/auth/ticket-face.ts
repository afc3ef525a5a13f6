import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { isAppOrigin } from "../../core/kernel/app-origin.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import { TICKET_MS, type Tickets } from "./tickets.ts";

/** Where tickets are issued. */
export const TICKET_PATH = "/v1/ticket";

/**
 * `POST /v1/ticket` issues a one-time ticket for a page. It is bound to the request's own origin, or to the origin a
 * server names for the page it serves: `?origin=https://chat.example.com`.
 */
export function createTicketFace(tickets: Tickets): HttpFace {
  return {
    name: "ticket",
    matches: (method, path) => method === "POST" && path === TICKET_PATH,
    handle(exchange) {
      const upstreamKey = exchange.header(UPSTREAM_KEY_HEADER);
      const ticket = tickets.issue({ caller: exchange.caller, upstreamKey }, originOf(exchange));
      exchange.respond({
        status: 201,
        headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
        body: `${JSON.stringify({ ticket, expiresInMs: TICKET_MS })}\n`,
      });
    },
  };
}

function originOf(exchange: HttpExchange): string | undefined {
  const own = exchange.header("origin");
  const named = exchange.query("origin");
  if (named === undefined) return own;
  const isWebOrigin = named !== "null" && URL.parse(named)?.origin === named;
  if (!isWebOrigin && !isAppOrigin(named)) {
    throw new GatewayError("bad_request", "origin must be an origin such as https://chat.example.com, without a path");
  }
  // A page may only name its own origin.
  if (own !== undefined && own !== named) throw new GatewayError("bad_request", "origin is another page's");
  return named;
}
