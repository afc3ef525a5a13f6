import type { ByteString } from "../../core/kernel/byte-string.ts";
import type { SecretRedactor } from "./secret-redactor.ts";

/**
 * Covers secrets in a body that arrives in pieces, without changing its length. Only the end of a piece that may begin a
 * secret waits for the next one.
 */
export class SecretFilter {
  readonly #secrets: readonly string[];
  #rest: ByteString = "";

  constructor({ secrets }: Pick<SecretRedactor, "secrets">) {
    this.#secrets = secrets;
  }

  /** The bytes that may go on, of this piece and what waited. */
  take(bytes: ByteString): ByteString {
    const whole = this.#cover(this.#rest + bytes);
    const kept = Math.max(0, ...this.#secrets.map((secret) => begunAtEnd(whole, secret)));
    this.#rest = kept === 0 ? "" : whole.slice(-kept);
    return kept === 0 ? whole : whole.slice(0, -kept);
  }

  /** What still waits at the end. */
  end(): ByteString {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }

  #cover(bytes: ByteString): ByteString {
    return this.#secrets.reduce((text, secret) => text.replaceAll(secret, "*".repeat(secret.length)), bytes);
  }
}

/** How many characters at the end of a text are the first ones of a secret, but not all. */
function begunAtEnd(text: ByteString, secret: string): number {
  for (let length = Math.min(text.length, secret.length - 1); length > 0; length--) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}
