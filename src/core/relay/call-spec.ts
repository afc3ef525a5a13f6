import type { Clock } from "../kernel/clock.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Observer } from "../ports/observer.ts";
import type { Amendment, UpstreamPort } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import type { AnswerState } from "./answer-state.ts";
import type { DrainLimits, UsageDrain } from "./usage-drain.ts";

/** What a call reports to, and where it goes. */
export interface CallParts {
  readonly upstream: UpstreamPort;
  readonly observer: Observer;
  readonly clock: Clock;
  /** How far cancelled answers are read on where a key wants that; not at all when left out. */
  readonly drain?: DrainLimits;
}

/** What the call is to send, and under which reservation. */
export interface CallSpec {
  readonly answer: AnswerState;
  /** As the provider wants it. */
  readonly body: JsonObject;
  /** What may be left out of it where the upstream refuses that. */
  readonly amendment: Amendment | undefined;
  readonly reservation: Reservation | undefined;
  /** What the body takes until the answer begins. */
  readonly room: { release(): void } | undefined;
  /** The stream is over; with `drain`, its answer is read on for its usage. */
  readonly ended: (drain: UsageDrain | undefined) => void;
  /** That is over too. */
  readonly drained: (drain: UsageDrain) => void;
}
