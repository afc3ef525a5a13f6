import { type JsonValue, jsonSize } from "../../../core/kernel/json.ts";

/** A response that can be continued. */
export interface RememberedResponse {
  readonly id: string;
  /** Made here by a warm-up: no provider knows it. */
  readonly isWarmUp: boolean;
  /** The conversation up to and including its output. */
  readonly items: readonly JsonValue[];
}

interface Kept {
  readonly response: RememberedResponse;
  readonly bytes: number;
  readonly forget: () => void;
}

/** The memory for the conversations of all sockets. Beyond it the ones left alone the longest are forgotten. */
export class ConversationMemory {
  readonly #maxBytes: number;
  /** The longest left alone first. */
  readonly #kept = new Set<Kept>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(kept: Kept): void {
    this.#kept.add(kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept) {
      if (this.#bytes <= this.#maxBytes) return;
      oldest.forget();
    }
  }

  remove(kept: Kept): void {
    if (this.#kept.delete(kept)) this.#bytes -= kept.bytes;
  }
}

/** The latest response of each lane of one socket; any lane may continue any of them. */
export class Remembered {
  readonly #memory: ConversationMemory;
  readonly #maxBytes: number;
  readonly #byLane = new Map<string | undefined, Kept>();
  #bytes = 0;

  /** `maxBytes`: for this socket. A conversation that is larger is forgotten at once. */
  constructor(memory: ConversationMemory, maxBytes: number) {
    this.#memory = memory;
    this.#maxBytes = maxBytes;
  }

  find(id: string): RememberedResponse | undefined {
    for (const { response } of this.#byLane.values()) if (response.id === id) return response;
    return undefined;
  }

  /** Remembers a lane's latest response in place of the one before it. */
  add(lane: string | undefined, response: RememberedResponse): void {
    this.#byLane.get(lane)?.forget();
    const kept: Kept = {
      response,
      bytes: jsonSize(response.items),
      forget: () => {
        if (this.#byLane.get(lane) !== kept) return;
        this.#byLane.delete(lane);
        this.#bytes -= kept.bytes;
        this.#memory.remove(kept);
      },
    };
    this.#byLane.set(lane, kept);
    this.#bytes += kept.bytes;
    this.#memory.add(kept);
    for (const oldest of [...this.#byLane.values()]) {
      if (this.#bytes <= this.#maxBytes) return;
      oldest.forget();
    }
  }

  /** Forgets a response, wherever it was made. */
  forget(id: string): void {
    for (const kept of [...this.#byLane.values()]) if (kept.response.id === id) kept.forget();
  }

  /** Forgets everything: the socket is closed. */
  clear(): void {
    for (const kept of [...this.#byLane.values()]) kept.forget();
  }
}
