import type { Ask } from "./decision.ts";
import type { Level } from "./payer.ts";
import type { SetAside } from "./set-aside.ts";

/** Accounts that are counted outside this process, for all nodes of a cluster together. */
export interface SharedAccounts {
  /**
   * Reserves for a stream in each of these accounts or in none, which `decided` of what it returns tells: it rejects with what
   * `openIn` throws, or with `cluster_unavailable`. Throws `cluster_unavailable` at once where that is known. Streams without any
   * cap are only counted, at their end.
   */
  open(stream: string, levels: readonly Level[], ask: Ask): SetAside;
}
