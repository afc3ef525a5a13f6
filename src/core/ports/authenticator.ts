/** Who a client is. */
import type { Caller } from "../caller/caller.ts";

export interface Authenticator {
  /** Whether clients must give a token at all. */
  readonly required: boolean;
  /**
   * The caller, or undefined for a missing or wrong secret. Throws `unauthorized` for a key that is mistyped, revoked or
   * expired, and `rate_limited` for any wrong secret of an address that failed too often: every failure counts. A right
   * secret is let in from everywhere. `others` are further secrets of the same request: a right one among them lets it in,
   * and then the wrong ones are no failures.
   */
  authenticate(token: string | undefined, remoteAddress: string, ...others: readonly string[]): Caller | undefined;
  /**
   * Counts a failure that a face found by itself, such as a bad signature, as one of this address. Throws `rate_limited`
   * when the address failed too often before.
   */
  failed(remoteAddress: string): void;
  /** The same caller with what its key grants now. Throws `unauthorized` when it may no longer be here. */
  current(caller: Caller): Caller;
}
