import { type GatewayError, toGatewayError } from "../kernel/errors.ts";
import { NO_CALL, type UpstreamCall } from "../ports/upstream.ts";

/**
 * A stream's upstream call. It can be deferred until the stream's ledger row is committed, and paused or aborted before that.
 * Faults of the upstream port are reported, never thrown, so they cannot keep a stream from ending.
 */
export class StreamCall implements UpstreamCall {
  readonly #fault: (error: unknown) => void;
  #call: UpstreamCall = NO_CALL;
  #paused = false;
  #over = false;

  /** `fault` receives what the port throws. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /**
   * Makes the call, now or when `ready` resolves. Throws what `make` throws now; `failed` receives what it throws later, or
   * why `ready` was rejected.
   */
  begin(make: () => UpstreamCall, ready: Promise<void> | undefined, failed: (error: GatewayError) => void): void {
    if (!ready) {
      this.#call = make();
      return;
    }
    ready
      .then(() => {
        if (this.#over) return;
        this.#call = make();
        if (this.#paused) this.#call.pause();
      })
      .catch((error) => {
        if (!this.#over) failed(toGatewayError(error));
      });
  }

  get isSent(): boolean {
    return this.#call.isSent;
  }

  get isResent(): boolean {
    return this.#call.isResent ?? false;
  }

  get isAmended(): boolean {
    return this.#call.isAmended ?? false;
  }

  pause(): void {
    this.#paused = true;
    this.#attempt(() => this.#call.pause());
  }

  resume(): void {
    this.#paused = false;
    this.#attempt(() => this.#call.resume());
  }

  abort(): void {
    this.#over = true;
    this.#attempt(() => this.#call.abort());
  }

  awaitEnd(isWhole: boolean): void {
    this.#attempt(() => this.#call.awaitEnd(isWhole));
  }

  detach(): void {
    this.#over = true;
    this.#attempt(() => this.#call.detach());
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault(error);
    }
  }
}
