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
   * Takes over the documents of a kind that were last written by processes that have ended, and resolves with them. Each is
   * taken by one process.
   */
  claim(kind: string): Promise<readonly StoredDocument[]>;
  /** Inserts a document, or replaces the one with its kind and key. */
  saveDocument(kind: string, key: string, value: JsonValue): Promise<void>;
  deleteDocument(kind: string, key: string): Promise<void>;
  /** Calls `changed` with what other processes that share the store write from now on. */
  follow(changed: (change: StoreChange) => void): void;
}
