/**
 * A map of at most `maxEntries` entries, in the order in which they were last set. One more makes it forget the oldest,
 * so that what strangers choose as keys cannot fill memory.
 */
export class BoundedMap<Key, Value> {
  readonly #maxEntries: number;
  readonly #mayForget: (value: Value) => boolean;
  /** Oldest first: a Map keeps the order of insertion. */
  readonly #entries = new Map<Key, Value>();

  /** Entries of which `mayForget` says no stay; while there are too many of those, the map is larger than its bound. */
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

  /** Adds or replaces an entry, which is the newest from now on. */
  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const [oldest, old] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries) return;
      if (this.#mayForget(old)) this.#entries.delete(oldest);
    }
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  /** Forgets the oldest entries up to the first of which `isOver` says no. */
  forgetWhile(isOver: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!isOver(value)) return;
      this.#entries.delete(key);
    }
  }
}
