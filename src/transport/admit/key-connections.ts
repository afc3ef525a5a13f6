import type { Caller } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/** How many WebSockets each gateway key has open. Callers without a key are bounded by their address alone. */
export class KeyConnections {
  readonly #connectionsPerKey: number;
  readonly #open = new Map<string, number>();

  constructor(connectionsPerKey: number) {
    this.#connectionsPerKey = connectionsPerKey;
  }

  /** Throws `rate_limited` when the caller's key has no room for one more. */
  check({ grant }: Caller): void {
    if (!grant || (this.#open.get(grant.keyId) ?? 0) < this.#connectionsPerKey) return;
    throw new GatewayError("rate_limited", "the key has too many connections", { retryAfterMs: 1_000 });
  }

  /** Counts one until the function it returns is called. */
  enter({ grant }: Caller): () => void {
    if (!grant) return () => {};
    const { keyId } = grant;
    this.#open.set(keyId, (this.#open.get(keyId) ?? 0) + 1);
    return () => {
      const left = (this.#open.get(keyId) ?? 1) - 1;
      if (left > 0) this.#open.set(keyId, left);
      else this.#open.delete(keyId);
    };
  }
}
