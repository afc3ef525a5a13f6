import type { InboundReservation } from "../caller/inbound-budget.ts";
import type { Clock } from "../kernel/clock.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Observer } from "../ports/observer.ts";
import type { UpstreamPort } from "../ports/upstream.ts";
import type { Reservations } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";
import type { DrainLimits, UsageDrain } from "./usage-drain.ts";

/** What every stream producer shares. */
export interface CallParts {
  readonly upstream: UpstreamPort;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Decides who may run streams, and records them. Without it everyone may, unrecorded. */
  readonly reservations?: Reservations;
  /** How far cancelled responses are drained for their usage, for keys that want that. Without it they are not. */
  readonly drain?: DrainLimits;
}

/** One stream's request and callbacks. */
export interface CallSpec {
  readonly answer: AnswerState;
  /** The request body for the provider. */
  readonly body: JsonObject;
  /** How many characters of the body a model reads. */
  readonly inputCharacters: number;
  /** The memory of the body, released when the response begins. */
  readonly room: InboundReservation | undefined;
  /** The stream has ended. `drain`: its response is still read for its usage. */
  readonly ended: (drain: UsageDrain | undefined) => void;
  /** Draining has ended too. */
  readonly drained: (drain: UsageDrain) => void;
}
