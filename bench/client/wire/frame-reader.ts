/** Receives complete messages in place: the bytes are valid only during the call. */
export type FrameListener = (opcode: number, buffer: Buffer, start: number, end: number) => void;

const CONTINUATION = 0;
const FIN = 0x80;
const RESERVED = 0x70;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const FIRST_CONTROL = 8;

/**
 * Splits a server's bytes into WebSocket messages (RFC 6455), without a copy if a message is complete in one read. Throws on
 * what a server must not send.
 */
export class FrameReader {
  readonly #listener: FrameListener;
  #rest: Buffer | undefined;
  #parts: Buffer[] = [];
  #partsOpcode = 0;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  read(chunk: Buffer, length: number): void {
    let buffer = chunk;
    let end = length;
    if (this.#rest) {
      buffer = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      end = buffer.length;
      this.#rest = undefined;
    }
    const at = this.#frames(buffer, end);
    if (at < end) this.#rest = Buffer.from(buffer.subarray(at, end));
  }

  /** Reads complete frames; returns the offset of the first incomplete one. */
  #frames(buffer: Buffer, end: number): number {
    let at = 0;
    while (end - at >= 2) {
      const first = buffer[at] ?? 0;
      const second = buffer[at + 1] ?? 0;
      if (first & RESERVED) throw new Error("a frame with reserved bits");
      if (second & MASKED) throw new Error("a masked frame from a server");
      let start = at + 2;
      let length = second;
      if (second === LENGTH_16) {
        start += 2;
        if (start > end) return at;
        length = buffer.readUInt16BE(at + 2);
      } else if (second === LENGTH_64) {
        start += 8;
        if (start > end) return at;
        length = Number(buffer.readBigUInt64BE(at + 2));
      }
      if (start + length > end) return at;
      this.#frame(first, buffer, start, start + length);
      at = start + length;
    }
    return at;
  }

  #frame(first: number, buffer: Buffer, start: number, end: number): void {
    const opcode = first & OPCODE;
    const whole = (first & FIN) !== 0;
    if (opcode >= FIRST_CONTROL || (whole && opcode !== CONTINUATION)) {
      this.#listener(opcode, buffer, start, end);
      return;
    }
    if (opcode !== CONTINUATION) this.#partsOpcode = opcode;
    this.#parts.push(Buffer.from(buffer.subarray(start, end)));
    if (!whole) return;
    const message = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#listener(this.#partsOpcode, message, 0, message.length);
  }
}
