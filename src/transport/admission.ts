import { GatewayError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { TokenBucket } from "../core/token-bucket.ts";

export interface AdmissionLimits {
  /** Connections at once: WebSockets, and HTTP exchanges whose answer is not out yet. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New WebSockets a second. */
  readonly upgradesPerSecond: number;
}

export interface AdmissionParts {
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  /** Throws GatewayError when the process has no room for one more connection. */
  readonly admit: () => void;
}

/** Clients that are sent away come back spread over this time (security.md of the design, item 34). */
export const COME_BACK_WITHIN_MS = 5_000;

/** How many connections are let in: in all, per address, and at once. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #upgrades: TokenBucket;
  readonly #perAddress = new Map<string, number>();
  #connections = 0;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    const { upgradesPerSecond } = parts.limits;
    this.#upgrades = new TokenBucket(upgradesPerSecond, upgradesPerSecond, parts.clock.now());
  }

  /**
   * A storm of reconnects is let in at a bounded rate; the others are told to come back, spread over some seconds.
   * Throws `overloaded`.
   */
  takeUpgrade(): void {
    if (this.#upgrades.take(this.#parts.clock.now()) === 0) return;
    const retryAfterMs = 1_000 + Math.floor(Math.random() * COME_BACK_WITHIN_MS);
    throw new GatewayError("overloaded", "too many connections at once", { retryAfterMs });
  }

  /** Throws `overloaded` when there is no room for one more connection from there. */
  checkRoom(remoteAddress: string): void {
    const { connections, connectionsPerAddress } = this.#parts.limits;
    if (this.#connections >= connections || (this.#perAddress.get(remoteAddress) ?? 0) >= connectionsPerAddress) {
      throw new GatewayError("overloaded", "too many connections", { retryAfterMs: 1_000 });
    }
    this.#parts.admit();
  }

  /** Counts a connection until the function it returns is called. */
  enter(remoteAddress: string): () => void {
    this.#connections++;
    this.#perAddress.set(remoteAddress, (this.#perAddress.get(remoteAddress) ?? 0) + 1);
    return () => {
      this.#connections--;
      const left = (this.#perAddress.get(remoteAddress) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(remoteAddress, left);
      else this.#perAddress.delete(remoteAddress);
    };
  }
}
