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
  readonly #failures = new Map<string, readonly number[]>();
  readonly #lockedUntil = new Map<string, number>();

  constructor(parts: LockoutParts) {
    this.#parts = parts;
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
    remember(this.#failures, key, latest, Math.min(MAX_ADDRESSES, MAX_FAILURES / failuresPerMinute));
    const [first = now] = latest;
    if (latest.length === failuresPerMinute && now - first <= MINUTE_MS) {
      remember(this.#lockedUntil, key, now + lockoutMs, MAX_ADDRESSES);
    }
    if (!wasLocked) return;
    const retryAfterMs = Math.ceil((this.#lockedUntil.get(key) ?? now) - now);
    throw new GatewayError("rate_limited", "too many failed attempts", { retryAfterMs });
  }
}

/** Sets a value as the newest of a map, and forgets the oldest beyond so many. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value, atMost: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > atMost && oldest !== undefined) map.delete(oldest);
}
