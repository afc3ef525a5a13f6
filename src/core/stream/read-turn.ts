/**
 * One read of an upstream's socket, and what is put off until it is handled: what it brought leaves together, and waits for
 * no other socket's reads. The upstream's side says when a read begins and ends, the clients' side what comes behind it.
 */
export class ReadTurn {
  readonly #fault: (error: unknown) => void;
  #isReading = false;
  #waiting: (() => void)[] = [];

  /** `fault` is told what put-off work threw; the rest of it is done all the same. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /** From here on until `end` all that happens comes of one read. */
  begin(): void {
    this.#isReading = true;
  }

  /** Does `work` once when the read is handled. False, and nothing is done, when there is none. */
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
