import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { clientKey } from "./client-address.ts";

/** When an address is locked out, and for how long. */
export interface LockoutParts {
  readonly failuresPerMinute: number;
  readonly lockoutMs: number;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;

/** Addresses remembered; the oldest is dropped first, so that guessing from many cannot fill memory. */
const MAX_ADDRESSES = 10_000;

/** Times of failures remembered, 8 bytes each: fewer addresses where more failures are allowed. */
const MAX_FAILURES = 1_000_000;

/**
 * Locks out an address after too many failed credentials of any kind. It sees only failures, so correct credentials are
 * always accepted, even from a shared address that is locked out. Only time ends a lockout.
 */
export class Lockout {
  readonly #parts: LockoutParts;
  /** The times of an address's latest failures, oldest first, at most as many as lock it out. */
  readonly #failures: BoundedMap<string, readonly number[]>;
  readonly #lockedUntil = new BoundedMap<string, number>(MAX_ADDRESSES);

  constructor(parts: LockoutParts) {
    this.#parts = parts;
    this.#failures = new BoundedMap(Math.min(MAX_ADDRESSES, MAX_FAILURES / parts.failuresPerMinute));
  }

  /**
   * Counts a failure; too many within a minute lock the address out. Throws `rate_limited` when it was already locked
   * out.
   */
  failed(remoteAddress: string): void {
    const { clock, failuresPerMinute, lockoutMs } = this.#parts;
    const key = clientKey(remoteAddress);
    const now = clock.now();
    const wasLocked = (this.#lockedUntil.get(key) ?? now) > now;
    const latest = [...(this.#failures.get(key) ?? []), now].slice(-failuresPerMinute);
    this.#failures.set(key, latest);
    const [first = now] = latest;
    if (latest.length === failuresPerMinute && now - first <= MINUTE_MS) this.#lockedUntil.set(key, now + lockoutMs);
    if (!wasLocked) return;
    const retryAfterMs = Math.ceil((this.#lockedUntil.get(key) ?? now) - now);
    throw new GatewayError("rate_limited", "too many failed attempts", {
      retryAfterMs,
      setting: "limits.requests.authFailuresPerMinute",
    });
  }
}
