import type { ByteString } from "../../core/kernel/byte-string.ts";

/** Takes the bytes of one response body. */
export interface ResponseBody {
  data(bytes: ByteString): void;
  /** The body ended, or nothing more of it is wanted. */
  end(): void;
}

/** Allowed before JSON though no writer should put it there (RFC 8259, 8.1); a character a byte. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/;

/** A body that is wanted whole, up to a limit. */
export class WholeBody implements ResponseBody {
  readonly #maxBytes: number;
  #done: ((bytes: Buffer, whole: boolean) => void) | undefined;
  #chunks: ByteString[] = [];
  #length = 0;

  /** `done` is called once: at the end, or with the first `maxBytes`, not `whole`, as soon as there are more. */
  constructor(maxBytes: number, done: (bytes: Buffer, whole: boolean) => void) {
    this.#maxBytes = maxBytes;
    this.#done = done;
  }

  data(bytes: ByteString): void {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    if (this.#length > this.#maxBytes) this.#finish(false);
  }

  end(): void {
    this.#finish(true);
  }

  #finish(whole: boolean): void {
    const done = this.#done;
    this.#done = undefined;
    const bytes = this.#chunks.join("").replace(BYTE_ORDER_MARK, "");
    done?.(Buffer.from(bytes, "latin1").subarray(0, this.#maxBytes), whole);
    this.#chunks = [];
  }
}
