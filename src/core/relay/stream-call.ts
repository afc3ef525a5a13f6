import { type GatewayError, toGatewayError } from "../kernel/errors.ts";
import { NO_CALL, type UpstreamCall } from "../ports/upstream.ts";

/**
 * A stream's upstream call. It may be made later, when its ledger row is written; until then it can be paused or given up
 * like a call that runs. What the upstream throws is reported: it keeps no stream from its end.
 */
export class StreamCall implements UpstreamCall {
  readonly #fault: (error: unknown) => void;
  #call: UpstreamCall = NO_CALL;
  #paused = false;
  #over = false;

  /** `fault` is told what the upstream threw. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /**
   * Makes the call: now, or when `ready` resolves. Throws what `make` throws now; `failed` is told what it throws later,
   * or why `ready` was rejected.
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
