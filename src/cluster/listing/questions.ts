import { asString, type JsonObject } from "../../core/kernel/json.ts";
import type { Message } from "../link/mailbox.ts";

/** Handles a node's answer. Returns whether no other is needed. */
type OnAnswer = (from: string, body: JsonObject) => boolean;

/** Questions to other nodes, each of which may answer by a message. */
export class Questions {
  readonly #send: (node: string, body: JsonObject) => Promise<boolean>;
  readonly #open = new Map<string, (message: Message) => void>();

  /** `send`: resolves with whether the node is there. */
  constructor(send: (node: string, body: JsonObject) => Promise<boolean>) {
    this.#send = send;
  }

  /**
   * Asks all these nodes, until one's answer is enough, all have answered or could not be asked, or the time is up. Resolves with
   * those that have not answered; one that has left need not. Never rejects.
   */
  async ask(nodes: readonly string[], body: JsonObject, ms: number, onAnswer: OnAnswer): Promise<readonly string[]> {
    if (nodes.length === 0) return [];
    const question = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<void>();
    const silent = new Set(nodes);
    let reachable = nodes.length;
    // If this process stood still, the answers may have come meanwhile: sockets are read first.
    const late = setTimeout(() => setImmediate(resolve), ms);
    const answered = (node: string) => {
      if (silent.delete(node) && --reachable === 0) resolve();
    };
    this.#open.set(question, (message) => {
      if (!silent.has(message.from)) return;
      if (onAnswer(message.from, message.body)) resolve();
      answered(message.from);
    });
    for (const node of nodes)
      this.#send(node, { ...body, question }).then(
        (isThere) => isThere || answered(node),
        () => --reachable === 0 && resolve(),
      );
    await promise;
    clearTimeout(late);
    this.#open.delete(question);
    return [...silent];
  }

  /** A node has answered. */
  take(message: Message): void {
    this.#open.get(asString(message.body.question) ?? "")?.(message);
  }
}
