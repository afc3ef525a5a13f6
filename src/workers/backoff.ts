/** A worker that lived this long ended for a new reason. */
const LONG_MS = 60_000;
const FIRST_MS = 250;
const MOST_MS = 30_000;

/** How long to wait before a worker is replaced: not at all after a long life, longer each time after short ones. */
export class Backoff {
  #waitMs = 0;

  /** The wait in milliseconds after a life of this length. */
  after(livedMs: number): number {
    const wait = livedMs >= LONG_MS ? 0 : this.#waitMs;
    this.#waitMs = Math.min(Math.max(FIRST_MS, wait * 2), MOST_MS);
    return wait;
  }
}
