import { GatewayError } from "../../core/kernel/errors.ts";

/** Tells that what Redis holds cannot be used, once until it can: it is asked for again and again. */
export class FaultOnce {
  readonly #tell: (error: GatewayError) => void;
  #isTold = false;

  constructor(tell: (error: GatewayError) => void) {
    this.#tell = tell;
  }

  failed(cause: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const message = "what Redis holds under cluster.redis.prefix is not what nodes write there";
    this.#tell(new GatewayError("cluster_unavailable", message, { cause }));
  }

  works(): void {
    this.#isTold = false;
  }
}
