import type { Caller } from "../../core/caller/caller.ts";
import type { InboundBudget, InboundReservation } from "../../core/caller/inbound-budget.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { clientKey } from "./client-address.ts";
import { BodyRates, type ByteLimits } from "./inbound-rate.ts";
import { type PaceLimits, SENDER_PACE } from "./sender-pace.ts";

/** What all sockets share of what comes in. */
export class Inbound {
  readonly pace: PaceLimits;
  readonly #callers: InboundBudget;
  readonly #strangers: InboundBudget;
  readonly #bodyRates: BodyRates;
  readonly #clock: Clock;
  readonly #load: { took(caller: string, ms: number): void } | undefined;

  /** Clients that have not shown who they are have a budget of their own, so that they never take room from callers. */
  constructor(parts: {
    readonly callers: InboundBudget;
    readonly strangers: InboundBudget;
    readonly limits: ByteLimits;
    readonly clock: Clock;
    /** Told how long callers' messages took; by default nobody is. */
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

  /** Sets bytes aside for what a client sends. Throws `overloaded`. */
  reserve(caller: Caller | undefined, remoteAddress: string, bytes: number): InboundReservation {
    if (caller) return this.#callers.reserve(caller.name, bytes);
    return this.#strangers.reserve(clientKey(remoteAddress), bytes);
  }

  /** Does what a message asks for, on its caller's account: who that is may come out by it. */
  handle(callerOf: () => Caller | undefined, work: () => void): void {
    const startedAt = this.#clock.now();
    work();
    const caller = callerOf();
    if (caller) this.#load?.took(caller.name, this.#clock.now() - startedAt);
  }

  /** Counts bytes of a caller's body that may have `maxBytes`. Throws `rate_limited`. */
  countBody(caller: Caller, bytes: number, maxBytes: number): void {
    this.#bodyRates.take(caller.name, bytes, maxBytes);
  }
}
