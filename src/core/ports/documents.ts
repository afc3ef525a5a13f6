import type { JsonValue } from "../kernel/json.ts";
import type { StoreChange } from "./store-change.ts";

/** A small durable record, such as a preference or a device. `key` is unique within its kind. */
export interface StoredDocument {
  readonly key: string;
  readonly value: JsonValue;
}

/** Small durable records by kind and key. Writes resolve once committed. All methods reject with `store_unavailable`. */
export interface Documents {
  /** All documents of a kind, by key. */
  documents(kind: string): Promise<readonly StoredDocument[]>;
  /** The value of one document; undefined if there is none. */
  document(kind: string, key: string): Promise<JsonValue | undefined>;
  /**
   * Takes the documents of a kind as this process's own, and resolves with them: `all`, or those which it has already and those of
   * processes that have ended or released them. Each of these is taken by one process.
   */
  claim(kind: string, which: "all" | "left"): Promise<readonly StoredDocument[]>;
  /** Leaves the documents of a kind that it has taken, or written since, to others. */
  release(kind: string): Promise<void>;
  /** Inserts a document, or replaces the one with its kind and key. */
  saveDocument(kind: string, key: string, value: JsonValue): Promise<void>;
  deleteDocument(kind: string, key: string): Promise<void>;
  /** Calls `changed` with what other processes that share the store write from now on, until the result is called. */
  follow(changed: (change: StoreChange) => void): () => void;
}
