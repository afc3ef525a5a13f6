import type { JsonValue } from "../kernel/json.ts";

/** A small durable record, such as a preference or a device. `key` is unique within its kind. */
export interface StoredDocument {
  readonly key: string;
  readonly value: JsonValue;
}

/** Small durable records by kind and key. Writes resolve once committed. All methods reject with `store_unavailable`. */
export interface Documents {
  /** All documents of a kind, by key. */
  documents(kind: string): Promise<readonly StoredDocument[]>;
  /** Inserts a document, or replaces the one with its kind and key. */
  saveDocument(kind: string, key: string, value: JsonValue): Promise<void>;
  deleteDocument(kind: string, key: string): Promise<void>;
}
