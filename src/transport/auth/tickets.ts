import { createHash, randomBytes } from "node:crypto";
import type { Identity } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Lockout } from "../admit/lockout.ts";

/** What tickets depend on. */
export interface TicketsParts {
  readonly authenticator: Authenticator;
  readonly lockout: Lockout;
  readonly clock: Clock;
}

/** How long a ticket is valid, in milliseconds: a page connects as soon as it has one. */
export const TICKET_MS = 30_000;

/** Unused tickets of one caller; more are refused, so that no caller displaces another's. */
const MAX_TICKETS = 1_000;

interface Ticket extends Identity {
  /** The page that may use it; undefined: only clients without an Origin. */
  readonly origin: string | undefined;
  readonly expiresAt: number;
}

/** One-time tickets, with which a page connects without holding the key. */
export class Tickets {
  readonly #parts: TicketsParts;
  /** By digest, oldest first: neither a memory dump nor the time of a lookup reveals a ticket. */
  readonly #tickets = new Map<string, Ticket>();
  readonly #waiting = new Tally<string>();

  constructor(parts: TicketsParts) {
    this.#parts = parts;
  }

  /** Issues a ticket of 256 bits. Throws `rate_limited` when its caller has too many unused ones. */
  issue(identity: Identity, origin: string | undefined): string {
    this.#forgetExpired();
    const { name } = identity.caller;
    if (this.#waiting.of(name) >= MAX_TICKETS) {
      throw new GatewayError("rate_limited", "too many unused tickets", { retryAfterMs: 1_000 });
    }
    const ticket = randomBytes(32).toString("base64url");
    this.#tickets.set(digest(ticket), { ...identity, origin, expiresAt: this.#parts.clock.now() + TICKET_MS });
    this.#waiting.add(name, 1);
    return ticket;
  }

  /** The identity a ticket was issued to, once. Throws `unauthorized`, or `rate_limited` for a locked-out address. */
  redeem(ticket: string, origin: string | undefined, remoteAddress: string): Identity {
    const { authenticator, lockout } = this.#parts;
    this.#forgetExpired();
    const found = this.#take(digest(ticket));
    if (!found || found.origin !== origin) {
      lockout.failed(remoteAddress);
      throw new GatewayError("unauthorized", "the ticket is unknown, used, expired or bound to another origin");
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
