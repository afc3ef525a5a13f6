import { randomBytes } from "node:crypto";
import type { Caller } from "../core/caller/caller.ts";
import { BoundedMap } from "../core/kernel/bounded-map.ts";

/** The Control UI renews a ticket half a minute before its end; five minutes, as in the real gateway. */
const TICKET_MS = 300_000;
/** Each takes about 500 bytes. When there are more, the oldest fall out, and the page asks again. */
const MAX_TICKETS = 10_000;

interface Ticket {
  /** What it opens. */
  readonly subject: string;
  readonly caller: Caller;
  /** Wall clock in milliseconds. */
  readonly expiresAt: number;
}

/** Short-lived permissions to read one file, for image elements, which send no credentials of their own. */
export class MediaTickets {
  readonly #tickets = new BoundedMap<string, Ticket>(MAX_TICKETS);
  readonly #now: () => number;

  /** `now` is the wall clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new ticket, as the fields of a response. */
  issue(caller: Caller, subject: string): { readonly mediaTicket: string; readonly mediaTicketExpiresAt: string } {
    const now = this.#now();
    this.#tickets.forgetWhile((ticket) => ticket.expiresAt <= now);
    const mediaTicket = randomBytes(24).toString("base64url");
    const expiresAt = now + TICKET_MS;
    this.#tickets.set(mediaTicket, { subject, caller, expiresAt });
    return { mediaTicket, mediaTicketExpiresAt: new Date(expiresAt).toISOString() };
  }

  /** Whose ticket for this subject it is; undefined if it is none, or has expired. */
  callerOf(mediaTicket: string, subject: string): Caller | undefined {
    const ticket = this.#tickets.get(mediaTicket);
    return ticket && ticket.subject === subject && ticket.expiresAt > this.#now() ? ticket.caller : undefined;
  }
}
