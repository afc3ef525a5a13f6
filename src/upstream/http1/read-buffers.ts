/** The most that one read of a socket brings, in bytes: what the platform asks a socket for at once. */
export const READ_BYTES = 65_536;

/** Free buffers that are kept for the next reads: 4 MiB. */
const MAX_FREE = 64;

/** Buffers for reads that wait, used again: made for each, they would have the collector run for the memory they take. */
export class ReadBuffers {
  readonly #free: Buffer[] = [];

  /** A buffer of `READ_BYTES`, to be given back. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  giveBack(buffer: Buffer): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}
