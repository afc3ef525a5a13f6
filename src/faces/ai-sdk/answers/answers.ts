import { BoundedMap } from "../../../core/kernel/bounded-map.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { NamedStream, StreamNames } from "../../../core/stream/elsewhere.ts";
import type { StreamRegistry } from "../../../core/stream/registry.ts";
import { aboutAnswer, answerAbout } from "./about-answer.ts";
import { Answer } from "./answer.ts";
import { Turns } from "./turns.ts";

/** Chats remembered while their answers can be read. Such an answer's memory is its stream's. */
const MAX_CHATS = 10_000;

/** Who looks for the answer of which chat. */
export interface Search {
  readonly caller: string;
  readonly chat: string;
  /** Throws unless the caller may read it again. Called once there is one. */
  readonly admit: () => void;
  /** Called once, with the answer that can be read from its beginning, if there is one. */
  readonly found: (answer: Answer | undefined) => void;
}

/** Each chat's latest answer. Chat ids come from clients, so they mean something only together with the caller. */
export class Answers {
  readonly #registry: StreamRegistry;
  readonly #byChat = new BoundedMap<string, Answer>(MAX_CHATS);
  /** Of those who look for one chat's answer on other nodes, the second joins what the first has brought here. */
  readonly #turns = new Turns();

  constructor(registry: StreamRegistry) {
    this.#registry = registry;
  }

  /** Chats remembered. */
  get size(): number {
    return this.#byChat.size;
  }

  add(caller: string, chat: string, answer: Answer): void {
    this.#remember(keyOf(caller, chat), answer);
    const { names } = this.#registry.elsewhere ?? {};
    if (!names) return;
    const give = () => names.give(answer.registered, nameOf(caller, chat), () => aboutAnswer(answer));
    const { decided } = answer.stream.info.opening ?? {};
    if (decided === undefined) give();
    else void decided.then((refusal) => refusal ?? give());
  }

  /**
   * Looks for the chat's answer, running or ended, on all nodes: resolves once it was told; undefined without a cluster. Throws, or
   * rejects with, what `admit` and `found` throw; rejects with `cluster_unavailable`.
   */
  find(search: Search): Promise<void> | undefined {
    const { elsewhere } = this.#registry;
    if (elsewhere)
      return this.#turns.take(keyOf(search.caller, search.chat), () => this.#seek(search, elsewhere.names));
    this.#tell(search, this.#here(search));
    return undefined;
  }

  /** Whether an answer of the chat still runs, whether or not it can be read from its beginning. */
  isRunning(caller: string, chat: string): boolean {
    const answer = this.#byChat.get(keyOf(caller, chat));
    return answer !== undefined && answer.stream.terminal === undefined && !answer.isStopped && this.#isThere(answer);
  }

  /** A client has been shown another node's answer to its end. How one failed is shown once. */
  shown(caller: string, chat: string, { stream, registered }: Answer): void {
    if (registered.isMirror && stream.terminal?.error)
      this.#registry.elsewhere?.names.take(nameOf(caller, chat), stream.info.id);
  }

  async #seek(search: Search, names: StreamNames): Promise<void> {
    const here = this.#here(search);
    const named = await names.find(nameOf(search.caller, search.chat)).catch((error: unknown) => {
      // It may not be the newest any more, but is this chat's.
      if (here) return undefined;
      throw error;
    });
    const isHere = !named || named.stream === this.#byChat.get(keyOf(search.caller, search.chat))?.stream.info.id;
    if (isHere) this.#tell(search, this.#here(search));
    else await this.#bring(search, named);
  }

  /** Brings another node's answer here. */
  async #bring(search: Search, { stream, about }: NamedStream): Promise<void> {
    const known = this.#registry.own(stream) ? undefined : answerAbout(stream, about);
    if (!known) {
      search.found(undefined);
      return;
    }
    search.admit();
    const registered = await Promise.resolve(this.#registry.find(stream, search.caller, 1, 0)).catch(unlessGone);
    const answer = registered && new Answer(registered, known.facts, this.#registry, known.earlier);
    if (answer?.isWhole) this.#remember(keyOf(search.caller, search.chat), answer);
    try {
      search.found(answer?.isWhole ? answer : undefined);
    } finally {
      if (answer) this.#giveBack(answer);
    }
  }

  /** Who asked for it may be gone. */
  #giveBack(answer: Answer): void {
    const { registered } = answer;
    const isUnread = registered.isMirror && !registered.attachment && this.#isThere(answer);
    if (isUnread) this.#registry.lose(registered, "client_gone");
  }

  #tell({ admit, found }: Search, answer: Answer | undefined): void {
    // Reading an answer again costs about as much as a new one.
    if (answer) admit();
    found(answer);
  }

  #remember(key: string, answer: Answer): void {
    // With what it points to, an answer that nobody can read any more takes two kilobytes.
    this.#byChat.forgetWhile((oldest) => !this.#isThere(oldest));
    this.#byChat.set(key, answer);
  }

  /** What this node has of the chat, if it can be read from its beginning. */
  #here({ caller, chat }: Pick<Search, "caller" | "chat">): Answer | undefined {
    const answer = this.#byChat.get(keyOf(caller, chat));
    if (!answer) return undefined;
    // A failed answer is shown once; its chat goes on with a new request.
    if (this.#isThere(answer) && answer.isWhole && !answer.stream.terminal?.error) return answer;
    if (!this.#isThere(answer)) this.#byChat.delete(keyOf(caller, chat));
    return undefined;
  }

  /** Whether its stream is still kept. */
  #isThere({ registered }: Answer): boolean {
    return this.#registry.owned(registered.stream.info.id, registered.caller) === registered;
  }
}

const keyOf = (caller: string, chat: string): string => JSON.stringify([caller, chat]);
const nameOf = (caller: string, chat: string): readonly string[] => ["chat", caller, chat];

/** Why a stream cannot be resumed does not matter: there is nothing to show. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof GatewayError && error.code === "resume_failed")) throw error;
}
