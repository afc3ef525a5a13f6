import type { JsonValue } from "../../../core/kernel/json.ts";
import { Conversation } from "./conversation.ts";

/** A response that can be continued. */
export interface RememberedResponse {
  readonly id: string;
  /** Made here by a warm-up: no provider knows it. */
  readonly isWarmUp: boolean;
  /** The conversation up to and including its output. */
  readonly items: readonly JsonValue[];
}

/**
 * The memory for conversations: a socket's own within that of all sockets. Those of responses that run count too. Beyond it
 * the ones left alone the longest are forgotten.
 */
export class ConversationMemory {
  readonly #maxBytes: number;
  readonly #within: ConversationMemory | undefined;
  /** Their bytes, the longest left alone first. */
  readonly #kept = new Map<Conversation, number>();
  #bytes = 0;

  constructor(maxBytes: number, within?: ConversationMemory) {
    this.#maxBytes = maxBytes;
    this.#within = within;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Counts that many more bytes of a conversation. It may be forgotten at once, if it alone is too large. */
  count(conversation: Conversation, bytes: number): void {
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
  remove(conversation: Conversation): void {
    this.#bytes -= this.#kept.get(conversation) ?? 0;
    this.#kept.delete(conversation);
    this.#within?.remove(conversation);
  }

  /** Forgets all. */
  clear(): void {
    for (const conversation of this.#kept.keys()) conversation.forget();
  }
}

interface Continuable {
  readonly id: string;
  readonly isWarmUp: boolean;
  readonly conversation: Conversation;
}

/** The latest response of each lane of one socket; any lane may continue any of them. */
export class Remembered {
  readonly #memory: ConversationMemory;
  readonly #byLane = new Map<string | undefined, Continuable>();

  /** `maxBytes`: for this socket. A conversation that is larger is forgotten at once. */
  constructor(memory: ConversationMemory, maxBytes: number) {
    this.#memory = new ConversationMemory(maxBytes, memory);
  }

  /** The conversation of a response that begins. */
  begin(input: readonly JsonValue[]): Conversation {
    return new Conversation(this.#memory, input);
  }

  find(wanted: string): RememberedResponse | undefined {
    for (const { id, isWarmUp, conversation } of this.#byLane.values()) {
      const { items } = conversation;
      if (id === wanted) return items && { id, isWarmUp, items };
    }
    return undefined;
  }

  /** Remembers a lane's latest response in place of the one before it. */
  add(lane: string | undefined, id: string, conversation: Conversation, isWarmUp = false): void {
    this.#byLane.get(lane)?.conversation.forget();
    this.#byLane.set(lane, { id, isWarmUp, conversation });
  }

  /** Forgets a response, wherever it was made. */
  forget(wanted: string): void {
    for (const { id, conversation } of this.#byLane.values()) if (id === wanted) conversation.forget();
  }

  /** Forgets everything, of running responses too: the socket is closed. */
  clear(): void {
    this.#byLane.clear();
    this.#memory.clear();
  }
}
