const TEXT = 1;

/** Cuts what a client sends into its text messages and takes off their mask. Pings and closes are not answered. */
export class ClientFrames {
  readonly #message: (text: string) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(message: (text: string) => void) {
    this.#message = message;
  }

  read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let size = this.#one(); size > 0; size = this.#one()) this.#rest = this.#rest.subarray(size);
  }

  /** Reads one frame; returns its bytes, 0 when it is incomplete. */
  #one(): number {
    const buffer = this.#rest;
    if (buffer.length < 6) return 0;
    const short = (buffer[1] ?? 0) & 0x7f;
    if (buffer.length < 14 && short >= 126) return 0;
    const maskAt = short === 127 ? 10 : short === 126 ? 4 : 2;
    const length = short === 127 ? Number(buffer.readBigUInt64BE(2)) : short === 126 ? buffer.readUInt16BE(2) : short;
    const start = maskAt + 4;
    if (buffer.length < start + length) return 0;
    if (((buffer[0] ?? 0) & 0x0f) === TEXT) {
      const payload = Buffer.from(buffer.subarray(start, start + length));
      for (let index = 0; index < length; index++) {
        payload[index] = (payload[index] ?? 0) ^ (buffer[maskAt + (index & 3)] ?? 0);
      }
      this.#message(payload.toString("utf8"));
    }
    return start + length;
  }
}
