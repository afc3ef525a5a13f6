import { setTimeout as wait } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";

/** How far apart questions begin, in milliseconds. */
const APART_MS = 50;
/** How long a question may wait for its turn, in milliseconds. */
const QUEUED_MS = 1_000;

/** Spreads questions out: however many look, Redis gets 20 rounds a second at most. */
export class Pace {
  readonly #now: () => number;
  #free = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves when it is its turn. Rejects with `overloaded` if too many wait. */
  async turn(): Promise<void> {
    const now = this.#now();
    const at = Math.max(now, this.#free);
    if (at - now > QUEUED_MS) throw new GatewayError("overloaded", "too many ask for the streams of the cluster");
    this.#free = at + APART_MS;
    if (at > now) await wait(at - now, undefined, { ref: false });
  }
}
