import type { Caller, OnAbort } from "../caller/caller.ts";
import type { Target } from "../dialect/routing.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Terminal } from "../stream/terminal.ts";
import type { TokenCounts } from "../usage/usage.ts";

/** A stream that is about to start. */
export interface ReservationRequest {
  readonly stream: string;
  /** With its key's current grant. */
  readonly caller: Caller;
  readonly target: Target;
  /** The request body for the provider, including defaults. */
  readonly body: JsonObject;
  /** Called when other streams of the key have used a cap up: this one must end now. Never called within `reserve`. */
  readonly cut: (error: GatewayError) => void;
  /** The provider's own name of the model that is asked, if it is known. */
  readonly upstreamModel?: string | undefined;
  /** How many characters of the body a model reads. */
  readonly inputCharacters: number;
  /** It counts as a request without tokens: nothing is reserved for an answer. */
  readonly isUncounted?: boolean | undefined;
  readonly face: string;
  readonly session: string | undefined;
}

/** Another attempt of a running stream, on another target. */
export type AttemptRequest = Pick<ReservationRequest, "target" | "body" | "upstreamModel" | "inputCharacters"> & {
  /** From 2. */
  readonly attempt: number;
};

/** Decides which streams may run, and accounts for what they use. */
export interface Reservations {
  /**
   * Reserves under the caps of the caller's key and opens the stream's ledger row. Throws `cap_exceeded`, `rate_limited`,
   * `too_many_streams`, `ledger_unavailable` or `cluster_unavailable`; `forbidden` if a cap cannot be enforced. Where others
   * have to be asked, the reservation's `opening` rejects with these.
   */
  reserve(request: ReservationRequest): Reservation;
}

/** The right to run one stream under its caller's caps. Its holder must settle and release it, however the stream ends. */
export interface Reservation {
  /** What the request's output limit must be lowered to; undefined: it may stay. Known once `opening` has resolved. */
  readonly maxOutputTokens: number | undefined;
  /**
   * Resolves once the stream may run; undefined: it may. Rejects with what `reserve` throws otherwise: the stream has then not
   * been opened, and nothing is held or recorded of it.
   */
  readonly opening?: Promise<void> | undefined;
  /** Whether `opening` was rejected. */
  readonly isRefused?: boolean;
  /** Resolves once the upstream may be called; undefined: at once. Rejects as `opening` does, or with `ledger_unavailable`. */
  readonly ready: Promise<void> | undefined;
  /**
   * Called after each event with the provider's counts so far and the characters seen. Returns why the stream must be cut,
   * or undefined. Undefined itself if no cap needs metering.
   */
  readonly meter: ((counts: TokenCounts, characters: number) => GatewayError | undefined) | undefined;
  /** What happens to the upstream's response when the client cancels. */
  readonly onAbort: OnAbort;
  /**
   * Opens the ledger row of the stream's next attempt and returns its reservation, which takes over the caps. This one is then
   * settled, but not released. Throws `ledger_unavailable`; `forbidden` if a cap cannot be enforced on that target.
   */
  next(request: AttemptRequest): Reservation;
  /** Records what the stream used, as far as known. A second call, with usage that arrived later, corrects the first. */
  settle(end: Settlement): void;
  /** Releases what was reserved: nothing more will be used. A second call does nothing. */
  release(): void;
}

/** What a stream used. */
export interface Settlement {
  readonly terminal: Terminal;
  readonly events: number;
  /** Event data relayed, in bytes of UTF-8. */
  readonly bytes: number;
  /** Kinds of irregularities that did not fail the stream. */
  readonly anomalies: readonly string[];
}
