/** The head of a WebSocket frame (RFC 6455, 5.2). */
export interface FrameHead {
  readonly opcode: number;
  /** Whether it ends its message. */
  readonly fin: boolean;
  readonly reservedBits: number;
  /** Undefined for an unmasked frame. */
  readonly mask: Uint8Array | undefined;
  /** As announced; inexact beyond 2^53. */
  readonly payloadBytes: number;
  /** The head's own bytes. */
  readonly bytes: Buffer;
}

/** These values mean that a length of 16 or 64 bits follows. */
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;

const lengthBytes = (second: number): number => {
  const length = second & 127;
  if (length === LENGTH_16) return 2;
  return length === LENGTH_64 ? 8 : 0;
};

const headBytes = (second: number): number => 2 + lengthBytes(second) + (second & 128 ? MASK_BYTES : 0);

/** Reads frame heads, however reads divide them. The user skips the payloads. */
export class FrameHeads {
  #bytes = Buffer.alloc(14);
  #count = 0;

  /** Whether a head is incomplete. */
  get isInside(): boolean {
    return this.#count > 0;
  }

  /**
   * The incomplete head, once its first two bytes have arrived: everything but the mask and, if it follows, the length.
   */
  get begun(): FrameHead | undefined {
    if (this.#count < 2) return undefined;
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#count));
    return headOf(bytes, (bytes[1] ?? 0) & 127);
  }

  /** Reads a head from `chunk` at `at`. Returns how many bytes belong to it, and the head once it is complete. */
  read(chunk: Buffer, at: number): { readonly taken: number; readonly head: FrameHead | undefined } {
    let next = at;
    while (next < chunk.length) {
      this.#bytes[this.#count++] = chunk[next++] ?? 0;
      const [, second = 0] = this.#bytes;
      if (this.#count >= 2 && this.#count === headBytes(second)) return { taken: next - at, head: this.#finish() };
    }
    return { taken: next - at, head: undefined };
  }

  #finish(): FrameHead {
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#count));
    this.#count = 0;
    return headOf(bytes, payloadBytes(bytes, (bytes[1] ?? 0) & 127));
  }
}

function headOf(bytes: Buffer, payloadBytes: number): FrameHead {
  const [first = 0, second = 0] = bytes;
  return {
    opcode: first & 15,
    fin: (first & 128) !== 0,
    reservedBits: (first >> 4) & 7,
    mask: second & 128 ? bytes.subarray(-MASK_BYTES) : undefined,
    payloadBytes,
    bytes,
  };
}

function payloadBytes(head: Buffer, length: number): number {
  if (length === LENGTH_16) return head.readUInt16BE(2);
  return length === LENGTH_64 ? head.readUInt32BE(2) * 2 ** 32 + head.readUInt32BE(6) : length;
}
