import type { ByteString } from "../../core/kernel/byte-string.ts";

/**
 * What a socket has read and nobody has taken, outside of the heap: where many upstreams send as fast as they are read, most
 * reads wait for a turn, and as strings they would be copied by each collection meanwhile.
 */
export class HeldReads {
  #reads: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the first `size` bytes of a buffer. */
  add(buffer: Buffer, size: number): void {
    this.#reads.push(Buffer.from(buffer.subarray(0, size)));
    this.#bytes += size;
  }

  /** All of it, in order, one character per byte. */
  take(): ByteString {
    const reads = this.#reads;
    this.#reads = [];
    this.#bytes = 0;
    return reads.length === 1 ? (reads[0]?.toString("latin1") ?? "") : Buffer.concat(reads).toString("latin1");
  }
}
