/** Headers that are about a vendor's version and account, and hold no secret. */
const PUBLIC = /^(?:anthropic|openai)-|^user-agent$/i;

/** Words and addresses are no secrets, placeholders such as `lm-studio` neither: masking them would garble answers. */
const SECRET = /^(?=.*\d)[\w.~+/=-]{16,}$/;

const MASKED = "[redacted]";

/**
 * Takes the credentials of one request, read from its headers, out of whatever its upstream says: some quote the key
 * they refuse. Exact occurrences only, as they are and as JSON may write them.
 */
export class SecretRedactor {
  readonly #secrets: readonly string[];

  constructor(headers: Readonly<Record<string, string>>) {
    this.#secrets = Object.entries(headers)
      .filter(([name]) => !PUBLIC.test(name))
      .map(([, value]) => value.replace(/^\w+ +/, ""))
      .filter((value) => SECRET.test(value))
      .flatMap((secret) => (secret.includes("/") ? [secret, secret.replaceAll("/", "\\/")] : [secret]));
  }

  /** On the fast path: one search a secret. */
  areIn(text: string): boolean {
    for (const secret of this.#secrets) if (text.includes(secret)) return true;
    return false;
  }

  /** The same text without them. */
  mask(text: string): string {
    return this.#secrets.reduce((masked, secret) => masked.replaceAll(secret, MASKED), text);
  }
}
