import type { IncomingMessage } from "node:http";
import { type Identity, UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import { ticketOf, tokensOf } from "./credentials.ts";
import type { Tickets } from "./tickets.ts";

export interface IdentifyParts {
  readonly authenticator: Authenticator;
  /** Left out where tickets mean nothing. */
  readonly tickets?: Tickets | undefined;
}

/** By the credentials of a request's headers. Throws `unauthorized`, or `rate_limited` to an address that failed too often. */
export function identify({ headers }: IncomingMessage, remoteAddress: string, parts: IdentifyParts): Identity {
  const ticket = parts.tickets && ticketOf(headers);
  if (ticket !== undefined && parts.tickets) return parts.tickets.redeem(ticket, headers.origin, remoteAddress);
  const [token, ...others] = tokensOf(headers);
  const caller = parts.authenticator.authenticate(token, remoteAddress, ...others);
  if (!caller) throw new GatewayError("unauthorized");
  return { caller, upstreamKey: upstreamKeyOf({ headers }) };
}

/** The upstream key in a request's headers, if it brings one. */
export function upstreamKeyOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const key = headers[UPSTREAM_KEY_HEADER];
  return typeof key === "string" && key !== "" ? key : undefined;
}
