import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import * as z from "zod";
import { Secret, type SecretSources, secretSchema } from "./secret.ts";

/** Certificates by the path of their PEM file. */
export const certificates = ({ readFile }: SecretSources) =>
  z
    .string()
    .min(1)
    .transform((path, context) => {
      try {
        const pem = readFile(path);
        // Throws for what is none.
        new X509Certificate(pem);
        return pem;
      } catch {
        // The problem is the same.
      }
      context.addIssue({ code: "custom", params: { found: `no certificates in ${path}`, expected: "a PEM file" } });
      return z.NEVER;
    });

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .describe("name of an environment variable with the PEM text");

const keyReference = z.union(
  [
    z.string().min(1).describe("path of a PEM file"),
    z.strictObject({ file: z.string().min(1).describe("path of a PEM file") }),
    z.strictObject({ env: variable }),
  ],
  { error: 'a path, {"file": "/path"} or {"env": "NAME"}' },
);

/**
 * The certificate by which a route names itself to its upstream: PEM text, and its private key as a secret. A key that
 * cannot be read, or that belongs to another certificate, is a problem of the field.
 */
export const clientCertificateSchema = (sources: SecretSources) =>
  z
    .strictObject({
      cert: certificates(sources).describe(
        "path of a PEM file: the certificate, and those between it and its authority",
      ),
      key: keyReference.describe("its private key: path of a PEM file, or a reference to a secret"),
      passphrase: secretSchema(sources).optional().describe("of an encrypted key"),
    })
    .transform(({ cert, key, passphrase }, context) => {
      const problem = (found: string, expected: string) => {
        context.addIssue({ code: "custom", path: ["key"], params: { found, expected } });
        return z.NEVER;
      };
      const origin = typeof key === "string" ? key : "file" in key ? key.file : key.env;
      const found = readKey(() => pemOf(key, sources), passphrase);
      if (!found) return problem(`no readable key in ${origin}`, "a private key as PEM, with its passphrase");
      if (!new X509Certificate(cert).checkPrivateKey(found))
        return problem(`a key in ${origin} that is not the certificate's`, "the private key of cert");
      return { cert, key: new Secret(String(found.export({ type: "pkcs8", format: "pem" })), origin) };
    });

const pemOf = (key: z.output<typeof keyReference>, { env, readFile }: SecretSources): string =>
  typeof key === "string" ? readFile(key) : "file" in key ? readFile(key.file) : (env[key.env] ?? "");

function readKey(pem: () => string, passphrase: Secret | undefined): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem(), ...(passphrase && { passphrase: passphrase.reveal() }) });
  } catch {
    // The engine's reason may quote the key.
    return undefined;
  }
}
