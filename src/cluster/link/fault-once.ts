import { GatewayError } from "../../core/kernel/errors.ts";

/** Reports that data in Redis cannot be used: once until it can be used again, however often it is read meanwhile. */
export class FaultOnce {
  readonly #report: (error: GatewayError) => void;
  #isReported = false;

  constructor(report: (error: GatewayError) => void) {
    this.#report = report;
  }

  failed(cause: unknown): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const message = "what Redis holds under cluster.redis.prefix is not what nodes write there";
    this.#report(new GatewayError("cluster_unavailable", message, { cause }));
  }

  works(): void {
    this.#isReported = false;
  }
}
