import type { JsonValue } from "../../../core/kernel/json.ts";
import type { Documents } from "../../../core/ports/documents.ts";

/** Where a map's documents are stored. */
export interface DurableMapParts {
  readonly documents: Documents;
  /** The documents' kind; it belongs to one map alone. */
  readonly kind: string;
  /** Reports a write that failed, and how many documents were dropped. */
  readonly fault: (error: unknown) => void;
  /**
   * Deletes what cannot be read: for keys that never come again, so that nothing else would. By default it stays for the
   * version that wrote it.
   */
  readonly dropsUnreadable?: boolean;
}

/**
 * Documents of one kind, read from memory. The store follows behind, so no answer waits for a disk; a write that fails is
 * reported, and the map keeps its value.
 */
export class DurableMap<Value extends JsonValue> {
  readonly #parts: DurableMapParts;
  readonly #values: Map<string, Value>;
  readonly #writes = new Set<Promise<void>>();

  private constructor(parts: DurableMapParts, values: Map<string, Value>) {
    this.#parts = parts;
    this.#values = values;
  }

  /**
   * Loads the documents of a kind. `read` turns a stored value into one of the map's, and returns undefined for one that
   * this version does not understand, which is left out. Rejects with `store_unavailable`.
   */
  static async load<Value extends JsonValue>(
    parts: DurableMapParts,
    read: (value: JsonValue) => Value | undefined,
  ): Promise<DurableMap<Value>> {
    const values = new Map<string, Value>();
    const unreadable: string[] = [];
    for (const { key, value } of await parts.documents.documents(parts.kind)) {
      const known = read(value);
      if (known === undefined) unreadable.push(key);
      else values.set(key, known);
    }
    const map = new DurableMap(parts, values);
    if (parts.dropsUnreadable && unreadable.length > 0) {
      for (const key of unreadable) map.#write(parts.documents.deleteDocument(parts.kind, key));
      parts.fault(
        new Error(`deleted stored documents of kind ${parts.kind} that cannot be read: ${unreadable.length}`),
      );
    }
    return map;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Keys and values: by key as loaded, then in the order in which they were added. */
  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries();
  }

  set(key: string, value: Value): void {
    this.#values.set(key, value);
    this.#write(this.#parts.documents.saveDocument(this.#parts.kind, key, value));
  }

  /** Whether there was a value. */
  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    this.#write(this.#parts.documents.deleteDocument(this.#parts.kind, key));
    return true;
  }

  /** Resolves when all writes so far are stored or reported as failed. */
  async flush(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  #write(write: Promise<void>): void {
    const done: Promise<void> = write.catch(this.#parts.fault).finally(() => this.#writes.delete(done));
    this.#writes.add(done);
  }
}
