import type { Caller, OnAbort } from "../caller/caller.ts";
import type { Target } from "../dialect/routing.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { TokenCounts } from "../usage/usage.ts";

export interface ReservationRequest {
  readonly stream: string;
  /** With what its key grants now. */
  readonly caller: Caller;
  readonly target: Target;
  /** The upstream's request body, defaults included. */
  readonly body: JsonObject;
  /** Called when other streams of the key used up what was left: this one must end now. Never before `reserve` returned. */
  readonly cut: (error: GatewayError) => void;
  /** As far as a model reads it. */
  readonly inputCharacters: number;
  readonly face: string;
  readonly session: string | undefined;
}

/** Who may run a stream, and what it costs: asked at the open, told after each event, settled at the end. */
export interface Reservations {
  /**
   * Reserves under the caps of the caller's key and writes the ledger's open row. Throws `cap_exceeded`, `rate_limited`,
   * `too_many_streams` or `ledger_unavailable`; `forbidden` where a cap could not be kept.
   */
  reserve(request: ReservationRequest): Reservation;
}

/** The right to run one stream under its caller's caps. Whoever takes one settles and releases it, on every way out. */
export interface Reservation {
  /** What the answer's limit must be lowered to. Undefined: it may stay. */
  readonly maxOutputTokens: number | undefined;
  /** Resolves when the upstream may be called; undefined: at once. Rejects with `ledger_unavailable`. */
  readonly ready: Promise<void> | undefined;
  /**
   * Told after an event what the provider has counted so far and how much of the answer was seen. Returns why the stream
   * must be cut now, or undefined. No meter: no cap counts events.
   */
  readonly meter: ((counts: TokenCounts, characters: number) => GatewayError | undefined) | undefined;
  /** What becomes of the upstream's answer when the client wants no more of it. */
  readonly onAbort: OnAbort;
  /** What the stream used, as far as it is known. A second call, with usage that came in later, corrects the first. */
  settle(end: Settlement): void;
  /** Gives back what was set aside: nothing more will be used. A second call does nothing. */
  release(): void;
}

export interface Settlement {
  readonly terminal: Terminal;
  readonly events: number;
  /** Event data relayed, as UTF-8. */
  readonly bytes: number;
}
