import type { GatewayError } from "../kernel/errors.ts";

/** Whether a stream may run, where that is decided elsewhere. */
export class Opening {
  #isRefused = false;
  #decision: PromiseWithResolvers<GatewayError | undefined> | undefined;

  /**
   * Resolves once it is decided: with the refusal, if the stream may not run; it has then ended, and counts as not opened.
   * Undefined where nothing is awaited. Never rejects.
   */
  get decided(): Promise<GatewayError | undefined> | undefined {
    return this.#decision?.promise;
  }

  /** Whether the stream was refused. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** From now on a decision is awaited. */
  await(): void {
    this.#decision ??= Promise.withResolvers();
  }

  /** The stream may run, or has ended for another reason. */
  accept(): void {
    this.#decision?.resolve(undefined);
    this.#decision = undefined;
  }

  /** It may not run, and ends at once. */
  refuse(error: GatewayError): void {
    this.#isRefused = true;
    this.#decision?.resolve(error);
  }
}
