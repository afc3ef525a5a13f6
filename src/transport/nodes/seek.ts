import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** One client's search for the node that serves it. It may wait, for so long in all. */
export class Seek {
  readonly #client: Duplex | ServerResponse;
  readonly #until: number;
  #end = (): void => {};

  constructor(client: Duplex | ServerResponse, ms: number) {
    this.#client = client;
    this.#until = performance.now() + ms;
  }

  /** Whether it may not wait any more. */
  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /**
   * Resolves once the event does that is asked for, the time is over, or the client has left, but then with false. `over` is aborted
   * when nobody waits for the event any more: what it is part of may last for long.
   */
  async wait(eventOf: (over: AbortSignal) => Promise<void>): Promise<boolean> {
    if (this.#client.destroyed) return false;
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    const timer = setTimeout(resolve, this.#until - performance.now());
    this.#client.once("close", resolve);
    await Promise.race([eventOf(over.signal), promise]);
    over.abort();
    clearTimeout(timer);
    this.#client.off("close", resolve);
    return !this.#client.destroyed;
  }

  /** Waits no longer. */
  end(): void {
    this.#end();
  }
}
