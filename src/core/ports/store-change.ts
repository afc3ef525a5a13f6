/** What another process has written. After `all` something was missed: anything may have changed. */
export type StoreChange =
  | { readonly kind: "session"; readonly key: string }
  | { readonly kind: "messages"; readonly key: string }
  | { readonly kind: "document"; readonly of: string; readonly key: string }
  | { readonly kind: "all" };
