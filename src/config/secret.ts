import * as z from "zod";

/** A credential. Printed, logged or serialised it shows only where it came from. */
export class Secret {
  readonly #value: string;
  readonly #origin: string;
  /** The environment variable that it came from, if it did. */
  readonly variable: string | undefined;

  constructor(value: string, origin: string, variable?: string) {
    this.#value = value;
    this.#origin = origin;
    this.variable = variable;
  }

  /** The value itself. */
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

/** What references are resolved with. `readFile` throws when it cannot read the path. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
}

const reference = z
  .union(
    [
      z.string().describe("the secret itself; prefer a reference"),
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

/** Drops the surrounding blanks and line ends that `echo token | …` and editors add. */
const trimmed = (value: string | undefined): string | undefined => value?.trim();

/** A header's value (RFC 9110, 5.5): secrets are sent in headers. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

interface Followed {
  readonly origin: string;
  readonly variable?: string;
  readonly value: string | undefined;
  /** What was found instead of a secret. */
  readonly missing: string;
}

function follow(secret: z.infer<typeof reference>, sources: SecretSources): Followed {
  if (typeof secret === "string")
    return { origin: "the configuration", value: trimmed(secret), missing: "an empty string" };
  if ("env" in secret) {
    return {
      origin: secret.env,
      variable: secret.env,
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

/** A secret in the configuration, given or by reference. An unresolvable reference is a problem of its field. */
export const secretSchema = (sources: SecretSources) =>
  reference.transform((secret, context) => {
    const { origin, variable, value, missing } = follow(secret, sources);
    if (value && HEADER_VALUE.test(value)) return new Secret(value, origin, variable);
    const found = value ? "a secret with line breaks or characters outside Latin-1" : missing;
    context.addIssue({ code: "custom", params: { found, expected: "a secret" } });
    return z.NEVER;
  });
