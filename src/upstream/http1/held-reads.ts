import type { ByteString } from "../../core/kernel/byte-string.ts";
import { READ_BYTES, type ReadBuffers } from "./read-buffers.ts";

/** Larger reads are kept in a shared buffer, smaller ones in memory of their size: a thousand paused sockets may hold some. */
const LARGE_BYTES = 16_384;

/** One read, at the start of a buffer. */
interface HeldRead {
  readonly buffer: Buffer;
  readonly size: number;
  /** Whether the buffer is to be given back. */
  readonly isShared: boolean;
}

/**
 * What a socket has read and nobody has taken, outside of the heap: where many upstreams send as fast as they are read, most
 * reads wait for a turn, and as strings they would be copied by each collection meanwhile.
 */
export class HeldReads {
  readonly #buffers: ReadBuffers;
  #reads: HeldRead[] = [];
  #bytes = 0;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the first `size` bytes of a buffer. */
  add(buffer: Buffer, size: number): void {
    const isShared = size > LARGE_BYTES && size <= READ_BYTES;
    const own = isShared ? this.#buffers.take() : Buffer.allocUnsafeSlow(size);
    buffer.copy(own, 0, 0, size);
    this.#reads.push({ buffer: own, size, isShared });
    this.#bytes += size;
  }

  /** All of it, in order, one character per byte. */
  take(): ByteString {
    let bytes = "";
    for (const { buffer, size, isShared } of this.#reads) {
      bytes += buffer.toString("latin1", 0, size);
      if (isShared) this.#buffers.giveBack(buffer);
    }
    this.#reads = [];
    this.#bytes = 0;
    return bytes;
  }
}
