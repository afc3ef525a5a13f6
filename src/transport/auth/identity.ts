import type { IncomingMessage } from "node:http";
import { type Identity, UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import { ticketOf, tokensOf } from "./credentials.ts";
import type { Tickets } from "./tickets.ts";

/** What identifies a request's caller. */
export interface IdentifyParts {
  readonly authenticator: Authenticator;
  /** Undefined where tickets are not accepted. */
  readonly tickets?: Tickets | undefined;
}

/** Identifies the caller by a request's headers. Throws `unauthorized`, or `rate_limited` for a locked-out address. */
export function identify({ headers }: IncomingMessage, remoteAddress: string, parts: IdentifyParts): Identity {
  const ticket = parts.tickets && ticketOf(headers);
  if (ticket !== undefined && parts.tickets) return parts.tickets.redeem(ticket, headers.origin, remoteAddress);
  const [token, ...others] = tokensOf(headers);
  const caller = parts.authenticator.authenticate(token, remoteAddress, ...others);
  if (!caller) throw new GatewayError("unauthorized");
  return { caller, upstreamKey: upstreamKeyOf({ headers }) };
}

/**
 * The same for a face that also takes credentials in its first frame: undefined if they are required and the handshake has
 * none. `ticket`: one that stands in the query.
 */
export function identifyEarly(
  request: IncomingMessage,
  ticket: string | undefined,
  remoteAddress: string,
  parts: IdentifyParts,
): Identity | undefined {
  const { headers } = request;
  if (ticket !== undefined && parts.tickets) return parts.tickets.redeem(ticket, headers.origin, remoteAddress);
  const hasNone = ticketOf(headers) === undefined && tokensOf(headers).length === 0;
  return hasNone && parts.authenticator.required ? undefined : identify(request, remoteAddress, parts);
}

/** The upstream key in a request's headers, if there is one. */
export function upstreamKeyOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const key = headers[UPSTREAM_KEY_HEADER];
  return typeof key === "string" && key !== "" ? key : undefined;
}
