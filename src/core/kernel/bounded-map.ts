/**
 * A map of at most `maxEntries` entries: adding one more removes the one set longest ago. For keys chosen by strangers,
 * which must not fill memory.
 */
export class BoundedMap<Key, Value> {
  readonly #maxEntries: number;
  readonly #mayForget: (value: Value) => boolean;
  /** Oldest first: a Map keeps the order of insertion. */
  readonly #entries = new Map<Key, Value>();

  /** Entries for which `mayForget` returns false stay, even if that makes the map larger than its bound. */
  constructor(maxEntries: number, mayForget: (value: Value) => boolean = () => true) {
    this.#maxEntries = maxEntries;
    this.#mayForget = mayForget;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** Adds or replaces an entry and makes it the newest. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const [oldest, old] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries) return;
      if (this.#mayForget(old)) this.#entries.delete(oldest);
    }
  }

  /** All values, the oldest first. */
  values(): Iterable<Value> {
    return this.#entries.values();
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Removes entries, oldest first, until `isOver` returns false for one. */
  forgetWhile(isOver: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!isOver(value)) return;
      this.#entries.delete(key);
    }
  }
}
