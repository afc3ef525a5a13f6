import type { JsonObject } from "../kernel/json.ts";

/** Short notes that all nodes of a cluster can read: what a stream was opened for, so that it is found elsewhere. */
export interface Notes {
  /** Keeps a note for `ms`, in place of an earlier one. Rejects with `cluster_unavailable`. */
  put(key: readonly string[], note: JsonObject, ms: number): Promise<void>;
  /** Keeps a note only if there is none, and resolves with the one that is there if not. Rejects with `cluster_unavailable`. */
  claim(key: readonly string[], note: JsonObject, ms: number): Promise<JsonObject | undefined>;
  /** The note; undefined if there is none. Rejects with `cluster_unavailable`. */
  get(key: readonly string[]): Promise<JsonObject | undefined>;
  /** Removes a note if it is still this one. Rejects with `cluster_unavailable`. */
  remove(key: readonly string[], note: JsonObject): Promise<void>;
}
