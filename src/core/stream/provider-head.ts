/** The part of a provider's response head that is passed on to clients. */
export interface ProviderHead {
  /** The provider's own request id; undefined if it sent none. */
  readonly requestId: string | undefined;
  /** Rate limits, waits and the account, by lower-case name, with the route's secrets redacted. */
  readonly headers: Readonly<Record<string, string>>;
}
