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

/** Clients that are sent away come back spread over this time (security.md of the design, item 34). */
export const COME_BACK_WITHIN_MS = 5_000;

/** How many connections are let in: in all, per address, and at once. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #upgrades: TokenBucket;
  readonly #perAddress = new Map<string, number>();
  #connections = 0;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#upgrades = new TokenBucket(limits.upgradesPerSecond, limits.upgradesPerSecond, clock.now());
  }

  /**
   * A storm of reconnects is let in at a bounded rate; the others are told to come back, spread over some seconds.
   * Throws `overloaded`.
   */
  takeUpgrade(): void {
    if (this.#upgrades.take(this.#clock.now()) === 0) return;
    const retryAfterMs = 1_000 + Math.floor(Math.random() * COME_BACK_WITHIN_MS);
    throw new GatewayError("overloaded", "too many connections at once", { retryAfterMs });
  }

  /** Throws `overloaded` when there is no room for one more connection from there. */
  checkRoom(remoteAddress: string): void {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#connections < connections && (this.#perAddress.get(remoteAddress) ?? 0) < connectionsPerAddress) return;
    throw new GatewayError("overloaded", "too many connections", { retryAfterMs: 1_000 });
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
