import { GatewayError } from "../../core/kernel/errors.ts";

/** A memory budget shared by all streams. */
export interface SharedMemory {
  /** Reserves `bytes`. Returns false and reserves nothing if they do not fit. */
  take(bytes: number): boolean;
  /** Returns reserved bytes. */
  shrink(bytes: number): void;
}

/** Covered by the flat amount that every running stream counts in the budget (STREAM_BYTES in src/compose/relay.ts). */
const FREE_BYTES = 65_536;

/**
 * Bytes that one call buffers until an event, or a unary JSON answer, is complete. They count in the budget that logs
 * share, so a thousand events of several MiB at once are refused instead of exhausting the heap.
 */
export class HeldBytes {
  readonly #memory: SharedMemory;
  #taken = 0;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Sets how many bytes are held now; 0 returns them all. Throws `overloaded` if they do not fit. */
  hold(bytes: number): void {
    const due = bytes <= FREE_BYTES ? 0 : bytes;
    if (due < this.#taken) this.#memory.shrink(this.#taken - due);
    else if (due > this.#taken && !this.#memory.take(due - this.#taken)) {
      throw new GatewayError("overloaded", "the gateway has no memory for an event of this size", {
        setting: "limits.totalLogBytes",
      });
    }
    this.#taken = due;
  }
}
