import type { InboundReservation } from "../caller/inbound-budget.ts";
import type { Clock } from "../kernel/clock.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Observer } from "../ports/observer.ts";
import type { UpstreamPort } from "../ports/upstream.ts";
import type { Reservations } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";
import type { DrainLimits, UsageDrain } from "./usage-drain.ts";

/** What a call reports to, and where it goes. */
export interface CallParts {
  readonly upstream: UpstreamPort;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Who may run a stream, and the record of it; everybody, unrecorded, when left out. */
  readonly reservations?: Reservations;
  /** How far cancelled answers are read on where a key wants that; not at all when left out. */
  readonly drain?: DrainLimits;
}

/** What one call asks for, and who hears of its end. */
export interface CallSpec {
  readonly answer: AnswerState;
  /** As the provider wants it. */
  readonly body: JsonObject;
  /** As far as a model reads it. */
  readonly inputCharacters: number;
  /** The memory of the body, given back when the response begins. */
  readonly room: InboundReservation | undefined;
  /** The stream is over; with `drain`, its answer is read on for its usage. */
  readonly ended: (drain: UsageDrain | undefined) => void;
  /** That is over too. */
  readonly drained: (drain: UsageDrain) => void;
}
