import type { FrameHead } from "./frame-heads.ts";

/**
 * A frame that arrives in several reads, assembled in one buffer of the size its head announced: memory holds it once,
 * however small the pieces, and nothing searches through thousands of them. Unmasks each piece as it arrives, and writes
 * a mask of zeros, which `ws` skips.
 */
export class SplitFrame {
  readonly #mask: Uint8Array;
  readonly #headBytes: number;
  readonly #frame: Buffer;
  #count: number;

  /** `head` is of a masked frame, as every client's is. */
  constructor(head: FrameHead) {
    const mask = head.mask ?? new Uint8Array();
    this.#mask = mask;
    this.#headBytes = this.#count = head.bytes.length;
    this.#frame = Buffer.allocUnsafeSlow(this.#headBytes + head.payloadBytes);
    this.#frame.set(head.bytes);
    this.#frame.fill(0, this.#headBytes - mask.length, this.#headBytes);
  }

  /** Takes the frame's bytes from `chunk` at `at`, and returns how many. */
  take(chunk: Buffer, at: number): number {
    const frame = this.#frame;
    const taken = Math.min(chunk.length - at, frame.length - this.#count);
    const mask = this.#mask;
    const inPayload = this.#count - this.#headBytes;
    for (let index = 0; index < taken; index++) {
      frame[this.#count + index] = (chunk[at + index] ?? 0) ^ (mask[(inPayload + index) & 3] ?? 0);
    }
    this.#count += taken;
    return taken;
  }

  /** The frame, once it is complete. */
  get complete(): Buffer | undefined {
    return this.#count === this.#frame.length ? this.#frame : undefined;
  }
}
