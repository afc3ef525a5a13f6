import type { OnAbort } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import { costOf } from "../usage/cost.ts";
import type { Price } from "../usage/price.ts";
import type { CapReservation } from "./cap-reservation.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { AttemptRequest, Reservation, Settlement } from "./reservation.ts";

/** The caps and the price for one stream, and what is told when one of them is reached. */
export interface KeyReservationParts {
  /** The row's name in the ledger. */
  readonly stream: string;
  readonly capReservation: CapReservation;
  readonly row: LedgerRow;
  readonly onAbort: OnAbort;
  readonly price: Price | undefined;
  /** When the stream was opened, by the wall clock in milliseconds. */
  readonly openedAt: number;
  readonly clock: Clock;
  /** Opens the row of the next attempt. */
  readonly next: (request: AttemptRequest) => NextAttempt;
}

/** The reservation of a further attempt, and what its prompt is reckoned with. */
export interface NextAttempt {
  readonly reservation: KeyReservation;
  readonly promptTokens: number;
  readonly price: Price | undefined;
}

/** A stream's reservation under its caps, together with its ledger row. */
export class KeyReservation implements Reservation {
  readonly opening: Promise<void> | undefined;
  readonly ready: Promise<void> | undefined;
  readonly meter: Reservation["meter"];
  readonly onAbort: OnAbort;
  readonly #parts: KeyReservationParts;
  #next: NextAttempt | undefined;

  constructor(parts: KeyReservationParts) {
    const { capReservation, clock } = parts;
    this.#parts = parts;
    this.opening = parts.row.opening;
    this.ready = parts.row.ready;
    this.onAbort = parts.onAbort;
    this.meter = capReservation.isMetered
      ? (counts, characters) => capReservation.meter(counts, characters, clock.wall())
      : undefined;
  }

  get maxOutputTokens(): number | undefined {
    return this.#parts.capReservation.maxOutputTokens;
  }

  get isRefused(): boolean {
    return this.#parts.row.isRefused;
  }

  next(request: AttemptRequest): Reservation {
    this.#next = this.#parts.next(request);
    return this.#next.reservation;
  }

  settle({ terminal, events, bytes, anomalies }: Settlement): void {
    const { stream, capReservation, price, row, openedAt, clock } = this.#parts;
    const { usage, timing, status, error } = terminal;
    const isKnown = usage.source !== "unknown";
    const costNano = isKnown && price ? costOf(usage, price) : undefined;
    const tokens = isKnown ? (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) : undefined;
    capReservation.settle(tokens, costNano, clock.wall());
    row.close(() => ({
      stream,
      isLeft: this.#next !== undefined,
      outcome: status,
      code: error?.code,
      usage,
      costNano,
      counted: isKnown ? undefined : capReservation.counted,
      timing,
      events,
      bytes,
      anomalies,
      // By the monotonic clock, so that no row closes before it opened.
      closedAt: openedAt + Math.round(timing.totalMs),
    }));
    if (this.#next) capReservation.carryOn(this.#next.promptTokens, this.#next.price);
  }

  release(): void {
    this.#parts.capReservation.release();
  }
}
