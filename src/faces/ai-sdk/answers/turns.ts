/** What is done one after the other for each key. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Does it once everything before it for this key is done. Rejects with what it throws. */
  async take(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key);
    const turn = (before ?? Promise.resolve()).catch(() => {}).then(work);
    this.#last.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
