import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { SecretRedactor } from "./secret-redactor.ts";

/**
 * Finds secrets in the events of reads. On the hot path: the first event of a read is searched, because it may have begun
 * earlier; all others lie within the read, which is searched as a whole, once, if there are any.
 */
export class SecretSearch {
  readonly #secrets: SecretRedactor;
  #read: ByteString = "";
  #isFirst = true;
  /** Whether the read holds a secret; undefined before it was searched. */
  #isSuspect: boolean | undefined;

  constructor(secrets: SecretRedactor) {
    this.#secrets = secrets;
  }

  /** The next events are all that end in this read. */
  begin(read: ByteString): void {
    this.#read = read;
    this.#isFirst = true;
    this.#isSuspect = undefined;
  }

  /** The read is used up. It must not be kept alive, and what comes without one is searched. */
  end(): void {
    this.begin("");
  }

  /** Whether the next event holds a secret. */
  isIn(event: ByteString): boolean {
    if (!this.#isFirst) this.#isSuspect ??= this.#secrets.areIn(this.#read);
    const mayBe = this.#isFirst || this.#isSuspect === true;
    this.#isFirst = this.#read === "";
    return mayBe && this.#secrets.areIn(event);
  }
}
