/**
 * One read of an upstream's socket, and the work deferred until it is handled: all frames it causes leave in one write,
 * without waiting for other sockets' reads. The upstream marks begin and end; outboxes defer their writes.
 */
export class ReadTurn {
  readonly #fault: (error: unknown) => void;
  readonly #begun: (() => void) | undefined;
  #isReading = false;
  #waiting: (() => void)[] = [];

  /** `fault` receives what deferred work throws; the rest is still done. `begun` is called before anything of a read is used. */
  constructor(fault: (error: unknown) => void, begun?: () => void) {
    this.#fault = fault;
    this.#begun = begun;
  }

  /** A read begins: everything until `end` is caused by it. */
  begin(): void {
    this.#begun?.();
    this.#isReading = true;
  }

  /** Defers `work` to the end of the current read. Returns false, and does nothing, outside of reads. */
  after(work: () => void): boolean {
    if (this.#isReading) this.#waiting.push(work);
    return this.#isReading;
  }

  end(): void {
    this.#isReading = false;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const work of waiting) {
      try {
        work();
      } catch (error) {
        this.#fault(error);
      }
    }
  }
}
