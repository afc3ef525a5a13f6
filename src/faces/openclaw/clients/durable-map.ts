import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "../../../core/kernel/json.ts";
import type { Documents, StoredDocument } from "../../../core/ports/documents.ts";
import type { StoreChange } from "../../../core/ports/store-change.ts";

/** Where a map's documents are stored. */
export interface DurableMapParts<Value extends JsonValue> {
  readonly documents: Documents;
  /** The documents' kind; it belongs to one map alone. */
  readonly kind: string;
  /** Reports a write that failed, and how many documents were dropped. */
  readonly fault: (error: unknown) => void;
  /**
   * Turns a stored value into one of the map's. Returns undefined for one that this version does not understand, which is
   * left out.
   */
  readonly read: (value: JsonValue) => Value | undefined;
  /**
   * Deletes what cannot be read: for keys that never come again, so that nothing else would. By default it stays for the
   * version that wrote it.
   */
  readonly dropsUnreadable?: boolean;
  /** Each document belongs to one process, which takes `all`, or what others have left. By default all have all of them. */
  readonly claims?: "all" | "left" | undefined;
  /** Called when another process has changed a key's value; undefined for none. */
  readonly changed?: (key: string, before: Value | undefined, after: Value | undefined) => void;
}

/**
 * Documents of one kind, read from memory. The store follows behind, so no answer waits for a disk; a write that fails is
 * reported, and the map keeps its value. What other processes write is read as soon as they tell.
 */
export class DurableMap<Value extends JsonValue> {
  readonly #parts: DurableMapParts<Value>;
  readonly #values = new Map<string, Value>();
  readonly #writes = new Set<Promise<void>>();
  /** By key: its last write, while it is on its way. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Keys that others have written, or all. */
  readonly #told = new Set<string>();
  #isAllTold = false;
  #isReading = false;
  #unfollow = () => {};

  private constructor(parts: DurableMapParts<Value>) {
    this.#parts = parts;
  }

  /** Loads the documents of a kind. Rejects with `store_unavailable`. */
  static async load<Value extends JsonValue>(parts: DurableMapParts<Value>): Promise<DurableMap<Value>> {
    const { documents, kind, claims } = parts;
    const map = new DurableMap(parts);
    // First, so that what is written while it loads is read again.
    if (!claims) map.#unfollow = documents.follow((change) => map.#take(change));
    try {
      map.#add(await (claims ? documents.claim(kind, claims) : documents.documents(kind)));
    } catch (error) {
      map.#unfollow();
      throw error;
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
    this.#write(key, this.#parts.documents.saveDocument(this.#parts.kind, key, value));
  }

  /** Whether there was a value. It is deleted from the store once `first` settles, which must not reject. */
  delete(key: string, first?: Promise<void>): boolean {
    if (!this.#values.delete(key)) return false;
    const remove = () => this.#parts.documents.deleteDocument(this.#parts.kind, key);
    this.#write(key, first === undefined ? remove() : first.then(remove));
    return true;
  }

  /** Takes over the documents that other processes have left since, and resolves with their keys and values. */
  async claim(): Promise<readonly (readonly [string, Value])[]> {
    return this.#add(await this.#parts.documents.claim(this.#parts.kind, "left"));
  }

  /** Resolves when all writes so far are stored or reported as failed. */
  async flush(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }

  /** Follows the store no longer, and leaves its own documents to others. Resolves when everything is stored. */
  async close(): Promise<void> {
    this.#unfollow();
    const { claims, documents, kind, fault } = this.#parts;
    await this.flush();
    if (claims) await documents.release(kind).catch(fault);
  }

  /** Adds what is not there yet, and returns it. */
  #add(stored: readonly StoredDocument[]): readonly (readonly [string, Value])[] {
    const { kind, read, dropsUnreadable, documents, fault } = this.#parts;
    const added: (readonly [string, Value])[] = [];
    const unreadable: string[] = [];
    for (const { key, value } of stored) {
      const known = read(value);
      if (known === undefined) unreadable.push(key);
      else if (!this.#values.has(key)) added.push([key, known]);
    }
    for (const [key, value] of added) this.#values.set(key, value);
    if (dropsUnreadable && unreadable.length > 0) {
      for (const key of unreadable) this.#write(key, documents.deleteDocument(kind, key));
      fault(new Error(`deleted stored documents of kind ${kind} that cannot be read: ${unreadable.length}`));
    }
    return added;
  }

  #take(change: StoreChange): void {
    if (change.kind === "all") this.#isAllTold = true;
    else if (change.kind === "document" && change.of === this.#parts.kind) this.#told.add(change.key);
    else return;
    void this.#readTold();
  }

  /** One after the other. */
  async #readTold(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isAllTold || this.#told.size > 0) await this.#readNext();
    } catch (error) {
      // With the next change.
      this.#isAllTold = true;
      this.#parts.fault(error);
    } finally {
      this.#isReading = false;
    }
  }

  async #readNext(): Promise<void> {
    const { documents, kind } = this.#parts;
    if (this.#isAllTold) {
      this.#isAllTold = false;
      for (const { key } of await documents.documents(kind)) this.#told.add(key);
      for (const key of this.#values.keys()) this.#told.add(key);
      return;
    }
    const [key = ""] = this.#told;
    this.#told.delete(key);
    // What this process has written last may be on its way.
    await this.#writing.get(key);
    const value = await documents.document(kind, key);
    if (this.#writing.has(key)) this.#told.add(key);
    else this.#follow(key, value === undefined ? undefined : this.#parts.read(value));
  }

  #follow(key: string, after: Value | undefined): void {
    const before = this.#values.get(key);
    if (isDeepStrictEqual(before, after)) return;
    if (after === undefined) this.#values.delete(key);
    else this.#values.set(key, after);
    this.#parts.changed?.(key, before, after);
  }

  #write(key: string, write: Promise<void>): void {
    const done: Promise<void> = write.catch(this.#parts.fault).finally(() => {
      this.#writes.delete(done);
      if (this.#writing.get(key) === done) this.#writing.delete(key);
    });
    this.#writes.add(done);
    this.#writing.set(key, done);
  }
}
