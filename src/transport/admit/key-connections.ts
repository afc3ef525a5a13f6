import type { Caller } from "../../core/caller/caller.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";

/** Limits the WebSockets of each gateway key. Callers without a key are limited by address only. */
export class KeyConnections {
  readonly #limits: { readonly connectionsPerKey: number };
  readonly #open = new Tally<string>();

  /** `limits` are read whenever a key opens one. */
  constructor(limits: { readonly connectionsPerKey: number }) {
    this.#limits = limits;
  }

  /** Throws `rate_limited` when the caller's key has no room for another. */
  check({ grant }: Caller): void {
    if (!grant || this.#open.of(grant.keyId) < this.#limits.connectionsPerKey) return;
    throw new GatewayError("rate_limited", "the key has too many connections", { retryAfterMs: 1_000 });
  }

  /** Counts one until the returned function is called. */
  enter({ grant }: Caller): () => void {
    return grant ? this.#open.enter(grant.keyId) : () => {};
  }
}
