import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { ResponseBody } from "../body/response-body.ts";
import { SecretFilter } from "../policy/secret-filter.ts";
import type { SecretRedactor } from "../policy/secret-redactor.ts";

/** Where the body of a response goes that is passed on. */
export interface PassedBodyParts {
  data(bytes: ByteString): void;
  /** Something was read. */
  came(): void;
  tooLarge(): void;
  ended(): void;
}

/** Passes the body of a success on as it arrives, with the request's credentials covered. */
export class PassedBody implements ResponseBody {
  readonly #filter: SecretFilter;
  readonly #maxBytes: number;
  readonly #parts: PassedBodyParts;
  #bytes = 0;

  constructor(secrets: SecretRedactor, maxBytes: number, parts: PassedBodyParts) {
    this.#filter = new SecretFilter(secrets);
    this.#maxBytes = maxBytes;
    this.#parts = parts;
  }

  data(bytes: ByteString): void {
    this.#parts.came();
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) this.#parts.tooLarge();
    else this.#pass(this.#filter.take(bytes));
  }

  end(): void {
    this.#pass(this.#filter.end());
    this.#parts.ended();
  }

  #pass(bytes: ByteString): void {
    if (bytes !== "") this.#parts.data(bytes);
  }
}
