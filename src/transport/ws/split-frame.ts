import type { FrameHead } from "./frame-heads.ts";

/**
 * A frame that comes in several reads, put together in one buffer, whose size its head announced: memory holds it once and
 * in one piece, however small the pieces are, and a shift through thousands of pieces is no work. Its mask is taken off as
 * it comes, in as many steps, and announced as zeros, which `ws` leaves alone.
 */
export class SplitFrame {
  readonly #mask: Uint8Array;
  readonly #headBytes: number;
  readonly #frame: Buffer;
  #count: number;

  /** Of a masked frame; every client's frame is. */
  constructor(head: FrameHead) {
    const mask = head.mask ?? new Uint8Array();
    this.#mask = mask;
    this.#headBytes = this.#count = head.bytes.length;
    this.#frame = Buffer.allocUnsafeSlow(this.#headBytes + head.payloadBytes);
    this.#frame.set(head.bytes);
    this.#frame.fill(0, this.#headBytes - mask.length, this.#headBytes);
  }

  /** Takes what belongs to it of `chunk` from `at` on, and says how much that was. */
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

  /** The whole frame, once all of it came. */
  get whole(): Buffer | undefined {
    return this.#count === this.#frame.length ? this.#frame : undefined;
  }
}
