import { z } from "zod";

/** A credential that gives its value only when asked: printed, logged or serialised it shows where it came from. */
export class Secret {
  readonly #value: string;
  readonly #origin: string;

  constructor(value: string, origin: string) {
    this.#value = value;
    this.#origin = origin;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return `[secret from ${this.#origin}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** Where references lead. `readFile` throws when there is no such file. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

const reference = z
  .union(
    [
      z.string().describe("the secret itself; a reference is better"),
      z.strictObject({
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
          .describe("name of an environment variable"),
      }),
      z.strictObject({
        file: z.string().min(1).describe("path of a file with the secret, such as /run/secrets/anthropic"),
      }),
    ],
    { error: 'a string, {"env": "NAME"} or {"file": "/path"}' },
  )
  .meta({ id: "secret" });

/** As they come from `echo token | …` or an editor: the blanks and line ends around a secret are none of it. */
const trimmed = (value: string | undefined): string | undefined => value?.trim();

/** What a header value may hold (RFC 9110, 5.5): secrets travel in headers. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

function follow(secret: z.infer<typeof reference>, sources: SecretSources) {
  if (typeof secret === "string")
    return { origin: "the configuration", value: trimmed(secret), missing: "an empty string" };
  if ("env" in secret) {
    return {
      origin: secret.env,
      value: trimmed(sources.env[secret.env]),
      missing: `no environment variable ${secret.env}`,
    };
  }
  const missing = `no readable file ${secret.file}, or an empty one`;
  try {
    return { origin: secret.file, value: trimmed(sources.readFile(secret.file)), missing };
  } catch {
    return { origin: secret.file, value: undefined, missing };
  }
}

/** A secret in the configuration; a reference that leads nowhere is a problem of the field that holds it. */
export const secretSchema = (sources: SecretSources) =>
  reference.transform((secret, context) => {
    const { origin, value, missing } = follow(secret, sources);
    if (value && HEADER_VALUE.test(value)) return new Secret(value, origin);
    const found = value ? "a secret with line breaks or characters outside Latin-1" : missing;
    context.addIssue({ code: "custom", params: { found, expected: "a secret" } });
    return z.NEVER;
  });
