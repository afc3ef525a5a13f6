import { type JsonValue, jsonSize } from "../../../core/kernel/json.ts";
import type { ConversationMemory } from "./conversation-memory.ts";

/** The items of a conversation up to a response, which may still run. They count in a memory until they are forgotten. */
export class Conversation {
  readonly #memory: ConversationMemory;
  #input: readonly JsonValue[] | undefined;
  #output: JsonValue[] = [];

  constructor(memory: ConversationMemory, input: readonly JsonValue[]) {
    this.#memory = memory;
    this.#input = input;
    memory.count(this, jsonSize(input));
  }

  /** Undefined once it is forgotten. */
  get items(): readonly JsonValue[] | undefined {
    return this.#input && [...this.#input, ...this.#output];
  }

  get isForgotten(): boolean {
    return this.#input === undefined;
  }

  /** An item of the response, which still runs. */
  add(item: JsonValue): void {
    if (this.isForgotten) return;
    this.#output.push(item);
    this.#memory.count(this, jsonSize(item));
  }

  /** The response is over, with this output; without one, the items added are all of it. */
  end(output: readonly JsonValue[]): void {
    if (this.isForgotten) return;
    const before = jsonSize(this.#output);
    if (output.length > 0) this.#output = [...output];
    this.#memory.count(this, jsonSize(this.#output) - before);
  }

  forget(): void {
    this.#input = undefined;
    this.#output = [];
    this.#memory.remove(this);
  }
}
