/** Bytes that come in pieces, in one buffer that grows: memory holds them once, however small the pieces are. */
export class GatheredBody {
  readonly #maxBytes: number;
  readonly #reserve: (bytes: number) => void;
  #buffer: Buffer;
  #count = 0;

  /**
   * `reserve` is asked before the buffer has so many bytes, and may throw; then nothing is kept of what comes. With an
   * announced length the buffer has it from the start. More than `maxBytes` must not be added.
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
