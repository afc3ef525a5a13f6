/** Headers about a vendor's version and account, which hold no secret. */
const PUBLIC = /^(?:anthropic|openai)-|^user-agent$/i;

/** What counts as a secret. Words, addresses and placeholders such as `lm-studio` do not: masking them would garble answers. */
const SECRET = /^(?=.*\d)[\w.~+/=-]{16,}$/;

const MASKED = "[redacted]";

/**
 * Removes a request's credentials, taken from its headers, from what the upstream says: some quote the key they refuse.
 * Matches exact occurrences only, plain or JSON-escaped.
 */
export class SecretRedactor {
  /** What is removed. */
  readonly secrets: readonly string[];

  constructor(headers: Readonly<Record<string, string>>) {
    this.secrets = Object.entries(headers)
      .filter(([name]) => !PUBLIC.test(name))
      .map(([, value]) => value.replace(/^\w+ +/, ""))
      .filter((value) => SECRET.test(value))
      .flatMap((secret) => (secret.includes("/") ? [secret, secret.replaceAll("/", "\\/")] : [secret]));
  }

  /** Whether a secret occurs in the text. On the hot path: one search per secret. */
  areIn(text: string): boolean {
    for (const secret of this.secrets) if (text.includes(secret)) return true;
    return false;
  }

  /** The text with secrets replaced. */
  mask(text: string): string {
    return this.secrets.reduce((masked, secret) => masked.replaceAll(secret, MASKED), text);
  }
}
