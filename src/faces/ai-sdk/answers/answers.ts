import { BoundedMap } from "../../../core/kernel/bounded-map.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import type { Answer } from "./answer.ts";

/** Chats remembered. An answer's memory is its stream's; what stands here is some hundred bytes. */
const MAX_CHATS = 10_000;

/** Each chat's latest answer. Chat ids come from clients, so they mean something only together with the caller. */
export class Answers {
  readonly #registry: StreamRegistry;
  readonly #byChat = new BoundedMap<string, Answer>(MAX_CHATS);

  constructor(registry: StreamRegistry) {
    this.#registry = registry;
  }

  add(caller: string, chat: string, answer: Answer): void {
    this.#byChat.set(keyOf(caller, chat), answer);
  }

  /** The chat's answer, running or ended, that can be read from its beginning. */
  find(caller: string, chat: string): Answer | undefined {
    const answer = this.#byChat.get(keyOf(caller, chat));
    if (!answer) return undefined;
    const { id } = answer.stream.info;
    const isThere = this.#registry.owned(id, caller) === answer.registered && answer.isWhole;
    // A failed answer is shown once; its chat goes on with a new request.
    if (isThere && !answer.stream.terminal?.error) return answer;
    if (answer.stream.terminal) this.#byChat.delete(keyOf(caller, chat));
    return undefined;
  }

  /** Whether an answer of the chat still runs, whether or not it can be read from its beginning. */
  isRunning(caller: string, chat: string): boolean {
    const answer = this.#byChat.get(keyOf(caller, chat));
    return answer !== undefined && answer.stream.terminal === undefined;
  }
}

const keyOf = (caller: string, chat: string): string => JSON.stringify([caller, chat]);
