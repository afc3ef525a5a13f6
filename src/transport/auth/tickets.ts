import { createHash, randomBytes } from "node:crypto";
import type { Identity } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Lockout } from "../admit/lockout.ts";

export interface TicketsParts {
  readonly authenticator: Authenticator;
  readonly lockout: Lockout;
  readonly clock: Clock;
}

/** How long a ticket is good, in milliseconds: a page gets it and connects at once. */
export const TICKET_MS = 30_000;

/** Tickets of one caller that wait at once; more are refused, so that nobody's tickets push out another's. */
const MAX_TICKETS = 1_000;

interface Ticket extends Identity {
  /** The page that may use it; undefined: nobody with an Origin. */
  readonly origin: string | undefined;
  readonly expiresAt: number;
}

/** Lets a page connect once, without the key in its hands. */
export class Tickets {
  readonly #parts: TicketsParts;
  /** By their digests, oldest first: whoever reads memory or compares slowly learns no ticket. */
  readonly #tickets = new Map<string, Ticket>();
  readonly #waiting = new Tally<string>();

  constructor(parts: TicketsParts) {
    this.#parts = parts;
  }

  /** A new ticket, 256 bits of it. Throws `rate_limited` when its caller has too many that nobody used. */
  issue(identity: Identity, origin: string | undefined): string {
    this.#forgetExpired();
    const { name } = identity.caller;
    if (this.#waiting.of(name) >= MAX_TICKETS) {
      throw new GatewayError("rate_limited", "too many tickets wait to be used", { retryAfterMs: 1_000 });
    }
    const ticket = randomBytes(32).toString("base64url");
    this.#tickets.set(digest(ticket), { ...identity, origin, expiresAt: this.#parts.clock.now() + TICKET_MS });
    this.#waiting.add(name, 1);
    return ticket;
  }

  /** Who the ticket was made for, once. Throws `unauthorized`, or `rate_limited` to an address that failed too often. */
  redeem(ticket: string, origin: string | undefined, remoteAddress: string): Identity {
    const { authenticator, lockout } = this.#parts;
    this.#forgetExpired();
    const found = this.#take(digest(ticket));
    if (!found || found.origin !== origin) {
      lockout.failed(remoteAddress);
      throw new GatewayError("unauthorized", "the ticket is unknown, used, expired, or another origin's");
    }
    return { caller: authenticator.current(found.caller), upstreamKey: found.upstreamKey };
  }

  #take(key: string): Ticket | undefined {
    const ticket = this.#tickets.get(key);
    if (!ticket) return undefined;
    this.#tickets.delete(key);
    this.#waiting.add(ticket.caller.name, -1);
    return ticket;
  }

  #forgetExpired(): void {
    const now = this.#parts.clock.now();
    for (const [key, { expiresAt }] of this.#tickets) {
      if (expiresAt > now) return;
      this.#take(key);
    }
  }
}

const digest = (ticket: string): string => createHash("sha256").update(ticket).digest("base64");
