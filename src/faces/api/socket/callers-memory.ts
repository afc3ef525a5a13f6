import { ConversationMemory } from "./conversation-memory.ts";

/**
 * The memory for the conversations of all callers. Beyond it the caller with the most forgets: whoever takes no more than an
 * equal share loses nothing to others.
 */
export class CallersMemory {
  readonly #maxBytes: number;
  /** By caller. Bounded by the number of credentials. */
  readonly #callers = new Map<string, ConversationMemory>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The memory of one caller's sockets. */
  of(caller: string): ConversationMemory {
    const known = this.#callers.get(caller);
    if (known) return known;
    const memory = new ConversationMemory(Number.POSITIVE_INFINITY, {
      count: (_, bytes) => this.#count(bytes),
      remove: (_, bytes) => {
        this.#bytes -= bytes;
      },
    });
    this.#callers.set(caller, memory);
    return memory;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#largest()?.forgetOldest();
  }

  #largest(): ConversationMemory | undefined {
    let largest: ConversationMemory | undefined;
    for (const memory of this.#callers.values()) if (memory.bytes > (largest?.bytes ?? 0)) largest = memory;
    return largest;
  }
}
