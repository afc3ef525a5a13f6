/** Collects pieces in one growing buffer, so that small pieces cost no more memory than large ones. */
export class GatheredBody {
  readonly #maxBytes: number;
  readonly #reserve: (bytes: number) => void;
  #buffer: Buffer;
  #count = 0;

  /**
   * The buffer begins with `firstBytes`: the announced length, if there is one. `reserve` is called with the buffer's new
   * size before it grows, and may throw. Add no more than `maxBytes`.
   */
  constructor(firstBytes: number, maxBytes: number, reserve: (bytes: number) => void) {
    this.#maxBytes = maxBytes;
    this.#reserve = reserve;
    reserve(firstBytes);
    this.#buffer = Buffer.allocUnsafeSlow(firstBytes);
  }

  get bytes(): number {
    return this.#count;
  }

  add(piece: Buffer): void {
    const needed = this.#count + piece.length;
    if (needed > this.#buffer.length) this.#growTo(Math.min(this.#maxBytes, Math.max(needed, this.#buffer.length * 2)));
    this.#buffer.set(piece, this.#count);
    this.#count = needed;
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.#count);
  }

  #growTo(bytes: number): void {
    this.#reserve(bytes);
    const larger = Buffer.allocUnsafeSlow(bytes);
    larger.set(this.take());
    this.#buffer = larger;
  }
}
