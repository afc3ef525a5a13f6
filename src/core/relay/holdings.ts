import type { InboundReservation } from "../caller/inbound-budget.ts";
import type { Reservation, Settlement } from "../quota/reservation.ts";

/**
 * What one stream has taken from others: its reservation under its key's caps, and the memory of its request's body.
 * Faults of the ledger or the caps are reported, never thrown, so the rest is still given back.
 */
export class Holdings {
  /** Undefined where nothing is reserved. */
  readonly reservation: Reservation | undefined;
  readonly #body: InboundReservation | undefined;
  readonly #fault: (error: unknown) => void;

  /** `fault` receives what the reservation throws. */
  constructor(
    reservation: Reservation | undefined,
    body: InboundReservation | undefined,
    fault: (error: unknown) => void,
  ) {
    this.reservation = reservation;
    this.#body = body;
    this.#fault = fault;
  }

  /** Reserves, beside memory that is taken already. Throws what `reserve` throws, and then has released the memory. */
  static take(
    body: InboundReservation | undefined,
    reserve: () => Reservation | undefined,
    fault: (error: unknown) => void,
  ): Holdings {
    try {
      return new Holdings(reserve(), body, fault);
    } catch (error) {
      body?.release();
      throw error;
    }
  }

  /** The request's body is no longer in memory. */
  releaseBody(): void {
    this.#body?.release();
  }

  /** The same for the stream's next attempt. Throws what `next` throws, and then nothing has changed. */
  handOn(next: (reservation: Reservation) => Reservation): Holdings {
    return new Holdings(this.reservation && next(this.reservation), this.#body, this.#fault);
  }

  /** Records what the stream used. A second call, when more is known, corrects the first. */
  settle(settlement: Settlement): void {
    this.#attempt(() => this.reservation?.settle(settlement));
  }

  /** Gives everything back. A second call does nothing. */
  release(): void {
    this.#attempt(() => this.reservation?.release());
    this.releaseBody();
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault(error);
    }
  }
}
