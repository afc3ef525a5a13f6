/** What counts in a memory. Forgotten, it removes itself. */
interface Forgettable {
  forget(): void;
}

/**
 * The memory for conversations: a socket's own within that of all sockets. Those of responses that run count too. Beyond it
 * the ones left alone the longest are forgotten.
 */
export class ConversationMemory {
  readonly #maxBytes: number;
  readonly #within: ConversationMemory | undefined;
  /** Their bytes, the longest left alone first. */
  readonly #kept = new Map<Forgettable, number>();
  #bytes = 0;

  constructor(maxBytes: number, within?: ConversationMemory) {
    this.#maxBytes = maxBytes;
    this.#within = within;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Counts that many more bytes of a conversation. It may be forgotten at once, if it alone is too large. */
  count(conversation: Forgettable, bytes: number): void {
    const known = this.#kept.get(conversation) ?? 0;
    this.#kept.delete(conversation);
    this.#kept.set(conversation, known + bytes);
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      oldest.forget();
    }
    if (this.#kept.has(conversation)) this.#within?.count(conversation, bytes);
  }

  /** A conversation is forgotten. */
  remove(conversation: Forgettable): void {
    this.#bytes -= this.#kept.get(conversation) ?? 0;
    this.#kept.delete(conversation);
    this.#within?.remove(conversation);
  }

  /** Forgets all. */
  clear(): void {
    for (const conversation of this.#kept.keys()) conversation.forget();
  }
}
