import { isUtf8 } from "node:buffer";

/** The bytes of a body as text, however they were cut. Malformed sequences become U+FFFD, as the Encoding Standard says. */
export class Utf8Decoder {
  readonly #malformed: () => void;
  /** The first bytes of a character whose rest is still to come: at most three. */
  #held: Buffer | undefined;

  /** `malformed` is called before the text that holds the replacement is returned, each time. */
  constructor(malformed: () => void) {
    this.#malformed = malformed;
  }

  decode(chunk: Buffer): string {
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    const held = unfinished(bytes);
    const whole = held === 0 ? bytes : bytes.subarray(0, bytes.length - held);
    // A copy: the chunk's memory belongs to whoever read it.
    this.#held = held === 0 ? undefined : Buffer.from(bytes.subarray(bytes.length - held));
    if (!isUtf8(whole)) this.#malformed();
    return whole.toString("utf8");
  }
}

/** How many bytes at the end begin a character that is not complete. Cutting before a lead byte changes no replacement. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back];
    if (byte === undefined || byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}
