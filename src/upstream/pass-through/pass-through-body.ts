import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ResponseBody } from "../body/response-body.ts";
import { SecretFilter } from "../policy/secret-filter.ts";
import type { SecretRedactor } from "../policy/secret-redactor.ts";

/** Where the body of a pass-through response goes. */
export interface PassThroughBodyParts {
  data(bytes: ByteString): void;
  /** Bytes were read. */
  read(): void;
  tooLarge(): void;
  ended(): void;
}

/** Passes the body of a success on as it arrives, with the request's credentials covered. */
export class PassThroughBody implements ResponseBody {
  readonly #filter: SecretFilter;
  readonly #maxBytes: number;
  readonly #parts: PassThroughBodyParts;
  #bytes = 0;

  constructor(secrets: SecretRedactor, maxBytes: number, parts: PassThroughBodyParts) {
    this.#filter = new SecretFilter(secrets);
    this.#maxBytes = maxBytes;
    this.#parts = parts;
  }

  data(bytes: ByteString): void {
    this.#parts.read();
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#parts.tooLarge();
    else this.#forward(this.#filter.take(bytes));
  }

  end(): void {
    this.#forward(this.#filter.end());
    this.#parts.ended();
  }

  #forward(bytes: ByteString): void {
    if (bytes !== "") this.#parts.data(bytes);
  }
}
