import { GatewayError } from "../../core/kernel/errors.ts";

/** The memory that all streams share, as far as calls take of it. */
export interface SharedMemory {
  /** Takes so many bytes. False, and nothing is taken, when there is no room for them. */
  take(bytes: number): boolean;
  /** Gives back what was taken. */
  shrink(bytes: number): void;
}

/** What every running stream counts in the shared memory anyway covers this much (src/compose/relay.ts). */
const FREE_BYTES = 65_536;

/**
 * What one call holds of an event, or of a whole JSON answer, until it is complete. Events of some MiB are few: they are
 * counted in the memory that logs share, so that a thousand of them at once are refused and do not end the process.
 */
export class HeldBytes {
  readonly #memory: SharedMemory;
  #taken = 0;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** So much is held now; 0 gives everything back. Throws `overloaded` when there is no room for it. */
  hold(bytes: number): void {
    const due = bytes <= FREE_BYTES ? 0 : bytes;
    if (due < this.#taken) this.#memory.shrink(this.#taken - due);
    else if (due > this.#taken && !this.#memory.take(due - this.#taken)) {
      throw new GatewayError("overloaded", "the gateway has no memory for an event of this size");
    }
    this.#taken = due;
  }
}
