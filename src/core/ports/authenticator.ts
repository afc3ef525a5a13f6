import type { Caller } from "../caller/caller.ts";

/** Identifies clients by their secrets. */
export interface Authenticator {
  /** Whether clients must present a secret at all. */
  readonly required: boolean;
  /**
   * The caller, or undefined if the secret is missing or wrong. Throws `unauthorized` for a key that is mistyped, revoked or
   * expired, and `rate_limited` for a wrong secret from an address with too many failures; a right secret always works.
   * `others` are further secrets of the same request: if any is right, the wrong ones do not count as failures.
   */
  authenticate(token: string | undefined, remoteAddress: string, ...others: readonly string[]): Caller | undefined;
  /**
   * Counts a failure that a face detected, such as a bad signature, against the address. Throws `rate_limited` if the
   * address has failed too often.
   */
  failed(remoteAddress: string): void;
  /** The same caller with its current grant. Throws `unauthorized` if its key no longer works. */
  current(caller: Caller): Caller;
}
