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

  /** Resolves once `event` does, the time is over, or the client has left, but then with false. */
  async wait(event: Promise<void>): Promise<boolean> {
    if (this.#client.destroyed) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    const timer = setTimeout(resolve, this.#until - performance.now());
    this.#client.once("close", resolve);
    await Promise.race([event, promise]);
    clearTimeout(timer);
    this.#client.off("close", resolve);
    return !this.#client.destroyed;
  }

  /** Waits no longer. */
  end(): void {
    this.#end();
  }
}
