import type { Caller } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";

/** How many WebSockets each gateway key has open. Callers without a key are bounded by their address alone. */
export class KeyConnections {
  readonly #connectionsPerKey: number;
  readonly #open = new Tally<string>();

  constructor(connectionsPerKey: number) {
    this.#connectionsPerKey = connectionsPerKey;
  }

  /** Throws `rate_limited` when the caller's key has no room for one more. */
  check({ grant }: Caller): void {
    if (!grant || this.#open.of(grant.keyId) < this.#connectionsPerKey) return;
    throw new GatewayError("rate_limited", "the key has too many connections", { retryAfterMs: 1_000 });
  }

  /** Counts one until the function it returns is called. */
  enter({ grant }: Caller): () => void {
    return grant ? this.#open.enter(grant.keyId) : () => {};
  }
}
