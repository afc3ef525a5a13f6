import { type GatewayError, toGatewayError } from "../kernel/errors.ts";
import type { UpstreamCall } from "../ports/upstream.ts";

/** An upstream call that is made when something else is done. It can be paused and given up before that. */
export class DeferredCall implements UpstreamCall {
  #call: UpstreamCall | undefined;
  #paused = false;
  #over = false;

  /** `failed` is told why the call is not made at all. */
  constructor(ready: Promise<void>, start: () => UpstreamCall, failed: (error: GatewayError) => void) {
    ready.then(
      () => this.#start(start),
      (error) => {
        if (!this.#over) failed(toGatewayError(error));
      },
    );
  }

  get isSent(): boolean {
    return this.#call?.isSent ?? false;
  }

  get isResent(): boolean {
    return this.#call?.isResent ?? false;
  }

  pause(): void {
    this.#paused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#call?.resume();
  }

  abort(): void {
    this.#over = true;
    this.#call?.abort();
  }

  settle(): void {
    this.#over = true;
    this.#call?.settle();
  }

  #start(start: () => UpstreamCall): void {
    if (this.#over) return;
    this.#call = start();
    if (this.#paused) this.#call.pause();
  }
}
