import type { Caller } from "../../core/caller/caller.ts";
import type { InboundBudget, InboundReservation } from "../../core/caller/inbound-budget.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { clientKey } from "./client-address.ts";
import { BodyRates, type ByteLimits } from "./inbound-rate.ts";
import { type PaceLimits, SENDER_PACE } from "./sender-pace.ts";

/** The limits on inbound data that all sockets share. */
export class Inbound {
  readonly pace: PaceLimits;
  readonly #callers: InboundBudget;
  readonly #strangers: InboundBudget;
  readonly #bodyRates: BodyRates;
  readonly #clock: Clock;
  readonly #load: { took(caller: string, ms: number): void } | undefined;

  /** Unauthenticated clients have a separate budget, so that they never use up the callers'. */
  constructor(parts: {
    readonly callers: InboundBudget;
    readonly strangers: InboundBudget;
    readonly limits: ByteLimits;
    readonly clock: Clock;
    /** Records how long each caller's messages occupy the event loop, in milliseconds. */
    readonly load?: { took(caller: string, ms: number): void };
    readonly pace?: PaceLimits | undefined;
  }) {
    this.pace = parts.pace ?? SENDER_PACE;
    this.#callers = parts.callers;
    this.#strangers = parts.strangers;
    this.#clock = parts.clock;
    this.#load = parts.load;
    this.#bodyRates = new BodyRates(parts.limits, parts.clock);
  }

  /** Reserves memory for an unfinished frame or body. Throws `overloaded`. */
  reserve(caller: Caller | undefined, remoteAddress: string, bytes: number): InboundReservation {
    if (caller) return this.#callers.reserve(caller.name, bytes);
    return this.#strangers.reserve(clientKey(remoteAddress), bytes);
  }

  /** Runs a message's work and charges the time to its caller, who may only be known afterwards. */
  handle(callerOf: () => Caller | undefined, work: () => void): void {
    const startedAt = this.#clock.now();
    work();
    const caller = callerOf();
    if (caller) this.#load?.took(caller.name, this.#clock.now() - startedAt);
  }

  /** Counts bytes of a caller's body limited to `maxBytes`. Throws `rate_limited`. */
  countBody(caller: Caller, bytes: number, maxBytes: number): void {
    this.#bodyRates.take(caller.name, bytes, maxBytes);
  }
}
