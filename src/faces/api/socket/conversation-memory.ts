/** What counts in a memory. Forgotten, it removes itself. */
interface Forgettable {
  forget(): void;
}

/** A memory as those within it see it. */
interface Around {
  count(conversation: Forgettable, bytes: number): void;
  /** `bytes`: what it counted so far. */
  remove(conversation: Forgettable, bytes: number): void;
}

/**
 * The memory for conversations: a socket's own, within its caller's. Those of responses that run count too. Beyond it the
 * ones left alone the longest are forgotten.
 */
export class ConversationMemory implements Around {
  readonly #maxBytes: number;
  readonly #around: Around | undefined;
  /** Their bytes, the longest left alone first. */
  readonly #kept = new Map<Forgettable, number>();
  #bytes = 0;

  constructor(maxBytes: number, around?: Around) {
    this.#maxBytes = maxBytes;
    this.#around = around;
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
    while (this.#bytes > this.#maxBytes) this.forgetOldest();
    if (this.#kept.has(conversation)) this.#around?.count(conversation, bytes);
  }

  /** A conversation is forgotten. */
  remove(conversation: Forgettable): void {
    const bytes = this.#kept.get(conversation) ?? 0;
    this.#bytes -= bytes;
    this.#kept.delete(conversation);
    this.#around?.remove(conversation, bytes);
  }

  /** Forgets the conversation left alone the longest. */
  forgetOldest(): void {
    const [oldest] = this.#kept.keys();
    oldest?.forget();
  }

  /** Forgets all. */
  clear(): void {
    for (const conversation of this.#kept.keys()) conversation.forget();
  }
}
