/** Fits a short answer. A power of two, like every size of the ring. */
const FIRST_SIZE = 64;

/**
 * A queue whose items are numbered one after another, in a ring: once it is as large as it gets, nothing is allocated or moved,
 * however many items pass through.
 */
export class Numbered<Item> {
  #ring: (Item | undefined)[] = [];
  /** The size less one: a number's place is its last bits. */
  #mask = FIRST_SIZE - 1;
  /** The number of the newest item, and that of the newest dropped one. */
  #last: number;
  #dropped: number;

  /** `before`: the number before the first item's. */
  constructor(before: number) {
    this.#last = this.#dropped = before;
  }

  push(item: Item): void {
    if (this.#ring.length === 0) this.#ring = empty(FIRST_SIZE);
    else if (this.#last - this.#dropped > this.#mask) this.#grow();
    this.#ring[++this.#last & this.#mask] = item;
  }

  /** Undefined if it is dropped or has not come. */
  at(number: number): Item | undefined {
    return number > this.#dropped && number <= this.#last ? this.#ring[number & this.#mask] : undefined;
  }

  /** Drops the items up to this one. What it holds of them goes once another takes their place, or with the last. */
  dropTo(number: number): void {
    this.#dropped = Math.min(number, this.#last);
    if (this.#dropped < this.#last) return;
    this.#ring = [];
    this.#mask = FIRST_SIZE - 1;
  }

  #grow(): void {
    const ring = this.#ring;
    const mask = this.#mask;
    this.#mask = mask * 2 + 1;
    this.#ring = empty(this.#mask + 1);
    for (let number = this.#dropped + 1; number <= this.#last; number++) {
      this.#ring[number & this.#mask] = ring[number & mask];
    }
  }
}

/** All places at once: an array that is filled out of order would become a dictionary. */
const empty = (size: number): undefined[] => new Array<undefined>(size).fill(undefined);
