import type { JsonObject } from "../../core/kernel/json.ts";

/** How long a letter is tried, in milliseconds: as long as a client that reads elsewhere waits for a Redis that is away. */
const TRIED_MS = 10_000;
const AGAIN_MS = 250;
/** Waiting for one node. Those beyond are lost: it is as good as gone. */
const MOST = 10_000;

interface Letter {
  readonly kind: string;
  readonly body: JsonObject;
  readonly at: number;
  readonly delivered: () => void;
}

/**
 * What must reach another node: tried again, in order, while Redis is away, and while the node is not to be found because Redis
 * has lost its data. What is for a node that is gone is dropped at last: what it would have done is done in Redis, or not at all.
 */
export class Letters implements Disposable {
  readonly #send: (node: string, kind: string, body: JsonObject) => Promise<boolean>;
  readonly #now: () => number;
  readonly #waiting = new Map<string, Letter[]>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** `send`: resolves with whether the node is there. */
  constructor(send: (node: string, kind: string, body: JsonObject) => Promise<boolean>, now: () => number) {
    this.#send = send;
    this.#now = now;
  }

  /** For how many nodes there are letters. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Sends a letter after those that were sent before it. `delivered` is called once it is there. */
  send(node: string, kind: string, body: JsonObject, delivered = () => {}): void {
    const letter = { kind, body, at: this.#now(), delivered };
    const waiting = this.#waiting.get(node);
    if (!waiting) {
      this.#waiting.set(node, [letter]);
      void this.#deliver(node);
    } else if (waiting.length < MOST) waiting.push(letter);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const letters of this.#waiting.values()) letters.length = 0;
    this.#waiting.clear();
  }

  async #deliver(node: string): Promise<void> {
    const waiting = this.#waiting.get(node);
    for (let letter = waiting?.[0]; letter; letter = waiting?.[0]) {
      const isSent = await this.#send(node, letter.kind, letter.body).catch(() => false);
      if (!isSent && this.#now() - letter.at < TRIED_MS) {
        this.#later(node);
        return;
      }
      waiting?.shift();
      if (isSent) letter.delivered();
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
