import { GatewayError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { clientKey } from "./client-address.ts";

export interface LockoutParts {
  readonly failuresPerMinute: number;
  readonly lockoutMs: number;
  readonly clock: Clock;
}

interface Failures {
  since: number;
  count: number;
  lockedUntil: number;
}

/** Addresses remembered at once; the oldest is forgotten first, so that guessing from many cannot fill memory. */
const MAX_ADDRESSES = 10_000;

/** Who gave wrong credentials too often, whatever kind they were: such an address is refused for a while. */
export class Lockout {
  readonly #parts: LockoutParts;
  readonly #failures = new Map<string, Failures>();

  constructor(parts: LockoutParts) {
    this.#parts = parts;
  }

  /** Throws `rate_limited` while the address is locked out. */
  check(remoteAddress: string): void {
    const { lockedUntil = 0 } = this.#failures.get(clientKey(remoteAddress)) ?? {};
    const lockedMs = lockedUntil - this.#parts.clock.now();
    if (lockedMs <= 0) return;
    throw new GatewayError("rate_limited", "too many failed attempts", { retryAfterMs: Math.ceil(lockedMs) });
  }

  /** Counts one failure. */
  failed(remoteAddress: string): void {
    const { clock, failuresPerMinute, lockoutMs } = this.#parts;
    const key = clientKey(remoteAddress);
    const now = clock.now();
    let entry = this.#failures.get(key);
    if (!entry || now - entry.since > 60_000) entry = { since: now, count: 0, lockedUntil: 0 };
    entry.count++;
    if (entry.count >= failuresPerMinute) entry.lockedUntil = now + lockoutMs;
    this.#failures.delete(key);
    this.#failures.set(key, entry);
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }
}
