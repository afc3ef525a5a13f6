import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { clientKey } from "./client-address.ts";

export interface LockoutParts {
  readonly failuresPerMinute: number;
  readonly lockoutMs: number;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;

/** Addresses remembered at once; the oldest is forgotten first, so that guessing from many cannot fill memory. */
const MAX_ADDRESSES = 10_000;

/** Moments of failures remembered at once, 8 bytes each: fewer addresses where many failures are allowed. */
const MAX_FAILURES = 1_000_000;

/**
 * Who gave wrong credentials too often, whatever kind they were: such an address is told to wait. Only failures come
 * here, so right credentials always get in, whatever their neighbours at one address do; and nothing ends a lockout but time.
 */
export class Lockout {
  readonly #parts: LockoutParts;
  /** When the latest failures of an address were, oldest first, and no more of them than lock it out. */
  readonly #failures: BoundedMap<string, readonly number[]>;
  readonly #lockedUntil = new BoundedMap<string, number>(MAX_ADDRESSES);

  constructor(parts: LockoutParts) {
    this.#parts = parts;
    this.#failures = new BoundedMap(Math.min(MAX_ADDRESSES, MAX_FAILURES / parts.failuresPerMinute));
  }

  /**
   * Counts one failure; too many within a minute lock the address out from then on. Throws `rate_limited` when it was
   * locked out before.
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
    throw new GatewayError("rate_limited", "too many failed attempts", { retryAfterMs });
  }
}
