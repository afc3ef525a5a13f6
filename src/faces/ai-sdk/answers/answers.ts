import { BoundedMap } from "../../../core/kernel/bounded-map.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import type { Answer } from "./answer.ts";

/** Chats remembered while their answers can be read. Such an answer's memory is its stream's. */
const MAX_CHATS = 10_000;

/** Each chat's latest answer. Chat ids come from clients, so they mean something only together with the caller. */
export class Answers {
  readonly #registry: StreamRegistry;
  readonly #byChat = new BoundedMap<string, Answer>(MAX_CHATS);

  constructor(registry: StreamRegistry) {
    this.#registry = registry;
  }

  /** Chats remembered. */
  get size(): number {
    return this.#byChat.size;
  }

  add(caller: string, chat: string, answer: Answer): void {
    // With what it points to, an answer that nobody can read any more takes two kilobytes.
    this.#byChat.forgetWhile((oldest) => !this.#isThere(oldest));
    this.#byChat.set(keyOf(caller, chat), answer);
  }

  /** The chat's answer, running or ended, that can be read from its beginning. */
  find(caller: string, chat: string): Answer | undefined {
    const answer = this.#byChat.get(keyOf(caller, chat));
    if (!answer) return undefined;
    // A failed answer is shown once; its chat goes on with a new request.
    if (this.#isThere(answer) && answer.isWhole && !answer.stream.terminal?.error) return answer;
    if (answer.stream.terminal) this.#byChat.delete(keyOf(caller, chat));
    return undefined;
  }

  /** Whether an answer of the chat still runs, whether or not it can be read from its beginning. */
  isRunning(caller: string, chat: string): boolean {
    const answer = this.#byChat.get(keyOf(caller, chat));
    return answer !== undefined && answer.stream.terminal === undefined;
  }

  /** Whether its stream is still kept. */
  #isThere({ registered }: Answer): boolean {
    return this.#registry.owned(registered.stream.info.id, registered.caller) === registered;
  }
}

const keyOf = (caller: string, chat: string): string => JSON.stringify([caller, chat]);
