import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** One client's search for the node that serves it. It may wait, for so long in all. */
export class Seek {
  readonly #client: Duplex | ServerResponse;
  readonly #until: number;
  #go: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Duplex | ServerResponse, ms: number) {
    this.#client = client;
    this.#until = performance.now() + ms;
  }

  /** Whether it may not wait any more. */
  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /** Calls `go` once `event` resolves or the time is over, if the client is still there. */
  async wait(event: Promise<void>, go: () => void): Promise<void> {
    this.#go = go;
    this.#timer = setTimeout(() => this.end(), this.#until - performance.now());
    this.#client.once("close", () => this.end());
    await event;
    if (this.#go === go) this.end();
  }

  /** Waits no longer. */
  end(): void {
    clearTimeout(this.#timer);
    const go = this.#go;
    this.#go = undefined;
    if (!this.#client.destroyed) go?.();
  }
}
