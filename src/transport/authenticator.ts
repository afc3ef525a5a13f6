import { createHash, timingSafeEqual } from "node:crypto";
import { GatewayError } from "../core/errors.ts";
import type { Authenticator, Caller, Clock } from "../core/ports.ts";
import { clientKey } from "./client-address.ts";

export interface AuthenticatorOptions {
  /** The shared token; undefined accepts everybody (loopback only, the configuration sees to that). */
  readonly token: string | undefined;
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

const digest = (token: string): Buffer => createHash("sha256").update(token).digest();

/** Checks the shared token in constant time and locks an address out for a while after too many failures. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const expected = options.token === undefined ? undefined : digest(options.token);
  const failures = new Map<string, Failures>();

  const fail = (key: string): void => {
    const now = options.clock.now();
    let entry = failures.get(key);
    if (!entry || now - entry.since > 60_000) entry = { since: now, count: 0, lockedUntil: 0 };
    entry.count++;
    if (entry.count >= options.failuresPerMinute) entry.lockedUntil = now + options.lockoutMs;
    failures.delete(key);
    failures.set(key, entry);
    const oldest = failures.keys().next().value;
    if (failures.size > MAX_ADDRESSES && oldest !== undefined) failures.delete(oldest);
  };

  return {
    required: expected !== undefined,
    authenticate(token: string | undefined, remoteAddress: string): Caller | undefined {
      if (!expected) return { name: "local" };
      const key = clientKey(remoteAddress);
      const lockedMs = (failures.get(key)?.lockedUntil ?? 0) - options.clock.now();
      if (lockedMs > 0) {
        throw new GatewayError("rate_limited", "too many failed attempts", { retryAfterMs: Math.ceil(lockedMs) });
      }
      if (token === undefined) return undefined;
      if (timingSafeEqual(digest(token), expected)) return { name: "token" };
      fail(key);
      return undefined;
    },
    current: (caller) => caller,
  };
}
