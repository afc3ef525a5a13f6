import { TokenBucket } from "../../core/caller/token-bucket.ts";
import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { Tally } from "../../core/kernel/tally.ts";
import { clientKey, isThisMachine } from "./client-address.ts";

/** Limits on connections. */
export interface AdmissionLimits {
  /** Concurrent connections: WebSockets, and HTTP exchanges whose response is not finished. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** New WebSockets per second: in total, and from one address other than loopback. */
  readonly upgradesPerSecond: number;
  readonly upgradesPerSecondPerAddress: number;
}

/** What admission depends on. */
export interface AdmissionParts {
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  /** Throws GatewayError when the process has no room for another connection. */
  readonly admit: () => void;
}

/** Refused clients are told to return within this time, each at a random moment, so that they do not return together. */
export const COME_BACK_WITHIN_MS = 5_000;

/** Addresses whose rate is remembered; the one quiet for longest is dropped first. */
const MAX_ADDRESSES = 10_000;

/** Limits connections: in total, per address, and per second. */
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
   * Admits a storm of reconnects at a bounded rate; the others get a retry-after spread over some seconds. An address
   * over its own rate does not consume the global rate. Throws `rate_limited` or `overloaded`.
   */
  takeUpgrade(remoteAddress: string): void {
    const now = this.#parts.clock.now();
    const retryAfterMs = 1_000 + Math.floor(Math.random() * COME_BACK_WITHIN_MS);
    if (!this.#takeFrom(clientKey(remoteAddress), now)) {
      throw new GatewayError("rate_limited", "too many new connections from this address", {
        retryAfterMs,
        setting: "limits.sockets.upgradesPerSecondPerAddress",
      });
    }
    if (this.#upgrades.take(now) === 0) return;
    throw new GatewayError("overloaded", "too many new connections", {
      retryAfterMs,
      setting: "limits.sockets.upgradesPerSecond",
    });
  }

  /** Throws `overloaded` when there is no room for another connection from the address. */
  checkRoom(remoteAddress: string): void {
    const { connections, connectionsPerAddress } = this.#parts.limits;
    const fromThere = this.#connections.of(clientKey(remoteAddress));
    const tooMany = (setting: string) =>
      new GatewayError("overloaded", "too many connections", { retryAfterMs: 1_000, setting });
    if (this.#connections.total >= connections) throw tooMany("limits.connections");
    if (fromThere >= connectionsPerAddress) throw tooMany("limits.connectionsPerAddress");
    this.#parts.admit();
  }

  /** Counts a connection until the returned function is called. */
  enter(remoteAddress: string): () => void {
    return this.#connections.enter(clientKey(remoteAddress));
  }

  /** Whether this address may open another connection now. */
  #takeFrom(key: string, now: number): boolean {
    if (isThisMachine(key)) return true;
    const { upgradesPerSecondPerAddress: rate } = this.#parts.limits;
    const bucket = this.#upgradesByAddress.get(key) ?? new TokenBucket(rate, rate, now);
    this.#upgradesByAddress.set(key, bucket);
    return bucket.take(now) === 0;
  }
}
