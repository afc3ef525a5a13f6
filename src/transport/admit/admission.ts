import { TokenBucket } from "../../core/caller/token-bucket.ts";
import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";
import { clientKey, isThisMachine } from "./client-address.ts";

export interface AdmissionLimits {
  /** Connections at once: WebSockets, and HTTP exchanges whose answer is not out yet. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New WebSockets a second: in all, and from one address that is not this machine's. */
  readonly upgradesPerSecond: number;
  readonly upgradesPerSecondPerAddress: number;
}

export interface AdmissionParts {
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  /** Throws GatewayError when the process has no room for one more connection. */
  readonly admit: () => void;
}

/** Clients that are sent away come back spread over this time (security.md of the design, item 34). */
export const COME_BACK_WITHIN_MS = 5_000;

/** Addresses whose rate is remembered; the one that has been quiet longest is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** How many connections are let in: in all, per address, and at once. */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #upgrades: TokenBucket;
  readonly #upgradesByAddress = new BoundedMap<string, TokenBucket>(MAX_ADDRESSES);
  readonly #connections = new Tally<string>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    const { upgradesPerSecond } = parts.limits;
    this.#upgrades = new TokenBucket(upgradesPerSecond, upgradesPerSecond, parts.clock.now());
  }

  /**
   * A storm of reconnects is let in at a bounded rate; the others are told to come back, spread over some seconds. One
   * address that asks too often takes nothing from the rate of all. Throws `rate_limited` or `overloaded`.
   */
  takeUpgrade(remoteAddress: string): void {
    const now = this.#parts.clock.now();
    const retryAfterMs = 1_000 + Math.floor(Math.random() * COME_BACK_WITHIN_MS);
    if (!this.#takeFrom(clientKey(remoteAddress), now)) {
      throw new GatewayError("rate_limited", "too many connections at once from this address", { retryAfterMs });
    }
    if (this.#upgrades.take(now) === 0) return;
    throw new GatewayError("overloaded", "too many connections at once", { retryAfterMs });
  }

  /** Throws `overloaded` when there is no room for one more connection from there. */
  checkRoom(remoteAddress: string): void {
    const { connections, connectionsPerAddress } = this.#parts.limits;
    const fromThere = this.#connections.of(clientKey(remoteAddress));
    if (this.#connections.total >= connections || fromThere >= connectionsPerAddress) {
      throw new GatewayError("overloaded", "too many connections", { retryAfterMs: 1_000 });
    }
    this.#parts.admit();
  }

  /** Counts a connection until the function it returns is called. */
  enter(remoteAddress: string): () => void {
    return this.#connections.enter(clientKey(remoteAddress));
  }

  /** Whether this address may open one more now. */
  #takeFrom(key: string, now: number): boolean {
    if (isThisMachine(key)) return true;
    const { upgradesPerSecondPerAddress: rate } = this.#parts.limits;
    const bucket = this.#upgradesByAddress.get(key) ?? new TokenBucket(rate, rate, now);
    this.#upgradesByAddress.set(key, bucket);
    return bucket.take(now) === 0;
  }
}
