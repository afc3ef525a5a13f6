/** What the head of a provider's response tells its client and its support besides the status. */
export interface ProviderHead {
  /** The provider's own id of the request; undefined when it gave none. */
  readonly requestId: string | undefined;
  /** Fields that clients act on, by lower-case name: rate limits, times to wait, whose account it is. No route's secrets. */
  readonly headers: Readonly<Record<string, string>>;
}
