/** Counts what each key holds, and what all keys hold together. Keys that hold nothing take no memory. */
export class Tally<Key> {
  readonly #held = new Map<Key, number>();
  #total = 0;

  /** What all keys hold together. */
  get total(): number {
    return this.#total;
  }

  /** What one key holds. */
  of(key: Key): number {
    return this.#held.get(key) ?? 0;
  }

  /** Adds to what a key holds, or subtracts a negative amount. Every addition must be subtracted again, once. */
  add(key: Key, amount: number): void {
    const held = this.of(key) + amount;
    this.#total += amount;
    if (held === 0) this.#held.delete(key);
    else this.#held.set(key, held);
  }

  /** Counts one for a key until the returned function is called. Calling it again does nothing. */
  enter(key: Key): () => void {
    let isIn = true;
    this.add(key, 1);
    return () => {
      if (isIn) this.add(key, -1);
      isIn = false;
    };
  }
}
