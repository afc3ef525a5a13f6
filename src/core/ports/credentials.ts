import type { Caller } from "../caller/caller.ts";

/** Names the credential that a caller presented: a secret of a key, or the shared token if there is no key. Proves nothing. */
export interface CredentialName {
  readonly keyId?: string | undefined;
  readonly secretId?: string | undefined;
}

/** The shared token and the gateway keys, for what is issued to callers who presented one of them. */
export interface Credentials {
  /** The caller of a credential presented earlier, with its current grant. Throws `unauthorized` if it no longer works. */
  recall(credential: CredentialName): Caller;
  /**
   * A digest of `text`, in hexadecimal, keyed by the caller's credential: it is another one once the shared token or the
   * key's secret has changed. Undefined if there is no such credential.
   */
  seal(caller: Caller, text: string): string | undefined;
}
