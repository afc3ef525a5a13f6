import type { JsonObject } from "../../core/kernel/json.ts";

/** How long delivery is tried, in milliseconds: as long as a client that reads elsewhere waits for a Redis that is away. */
const TRIED_MS = 10_000;
const AGAIN_MS = 250;
/** How many messages wait for one node. More are dropped: the node is as good as gone. */
const MOST = 10_000;

interface Pending {
  readonly kind: string;
  readonly body: JsonObject;
  readonly at: number;
  readonly delivered: () => void;
}

/**
 * Messages that must reach another node: tried again, in order, while Redis is away, and while the node cannot be found because
 * Redis has lost its data. Those for a node that is gone are dropped in the end: what it would have done is done in Redis, or not
 * at all.
 */
export class Deliveries implements Disposable {
  readonly #send: (node: string, kind: string, body: JsonObject) => Promise<boolean>;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Pending[]>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** `send`: resolves with whether the node is there. */
  constructor(send: (node: string, kind: string, body: JsonObject) => Promise<boolean>, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  /** For how many nodes messages wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Sends a message, after those that were sent to the node before it. `delivered` is called once it is there. */
  send(node: string, kind: string, body: JsonObject, delivered = () => {}): void {
    const message = { kind, body, at: this.#now(), delivered };
    const waiting = this.#waiting.get(node);
    if (!waiting) {
      this.#waiting.set(node, [message]);
      void this.#deliver(node);
    } else if (waiting.length < MOST) waiting.push(message);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const messages of this.#waiting.values()) messages.length = 0;
    this.#waiting.clear();
  }

  async #deliver(node: string): Promise<void> {
    const waiting = this.#waiting.get(node);
    for (let message = waiting?.[0]; message; message = waiting?.[0]) {
      const isSent = await this.#send(node, message.kind, message.body).catch(() => false);
      if (!isSent && this.#now() - message.at < TRIED_MS) {
        this.#later(node);
        return;
      }
      waiting?.shift();
      if (isSent) message.delivered();
    }
    this.#waiting.delete(node);
  }

  #later(node: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#deliver(node);
    }, AGAIN_MS).unref();
    this.#timers.add(timer);
  }
}
