/** The server that keeps what is stored went away, or is back: a line of the log each. No field holds a secret. */
export type StoreOutage =
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back"; readonly awayMs: number };
