import type { JsonValue } from "../../../core/kernel/json.ts";
import { Conversation } from "./conversation.ts";
import { ConversationMemory } from "./conversation-memory.ts";

/** A response that can be continued. */
export interface RememberedResponse {
  readonly id: string;
  /** Made here by a warm-up: no provider knows it. */
  readonly isWarmUp: boolean;
  /** The conversation up to and including its output. */
  readonly items: readonly JsonValue[];
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

  /** `memory`: its caller's. `maxBytes`: for this socket. A conversation that is larger is forgotten at once. */
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
