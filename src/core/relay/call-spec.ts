import type { Clock } from "../kernel/clock.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { Observer } from "../ports/observer.ts";
import type { UpstreamPort } from "../ports/upstream.ts";
import type { Reservations } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";
import type { Attempts } from "./attempts.ts";
import type { Holdings } from "./holdings.ts";
import type { DrainLimits, UsageDrain } from "./usage-drain.ts";

/** What every stream's producers share. */
export interface CallParts {
  readonly upstream: UpstreamPort;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Decides who may run streams, and records them. Without it everyone may, unrecorded. */
  readonly reservations?: Reservations;
  /** How far cancelled responses are drained for their usage, for keys that want that. Without it they are not. */
  readonly drain?: DrainLimits;
}

/** What runs for a caller: a stream, or a request that is passed on. */
export interface Running {
  cancel(reason: GatewayError): void;
}

/** One attempt's request and callbacks. */
export interface CallSpec {
  readonly answer: AnswerState;
  /** What the stream holds; the producer settles and releases it, unless it hands it on. */
  readonly holdings: Holdings;
  /** From 1. */
  readonly attempt: number;
  /** The attempts that may follow on other targets; undefined if there is only one target. */
  readonly attempts: Attempts | undefined;
  /** The stream has ended. `drain`: its response is still read for its usage. */
  readonly ended: (drain: UsageDrain | undefined) => void;
  /** Draining has ended too. */
  readonly drained: (drain: UsageDrain) => void;
}
