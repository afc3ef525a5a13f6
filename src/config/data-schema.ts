import * as z from "zod";
import { noUrl } from "./addresses/url-problem.ts";
import { milliseconds } from "./limits-schema.ts";
import { type SecretSources, secretSchema } from "./secret.ts";

/** What is wrong with PostgreSQL's URL, without a part of it; undefined if nothing is. */
function wrongIn(text: string): string | undefined {
  const none = noUrl(text, /^postgres(ql)?:$/);
  if (none !== undefined) return none;
  return URL.parse(text)?.hash === "" ? undefined : "a URL with #, which is %23 in a password";
}

const postgres = (sources: SecretSources) =>
  z.strictObject({
    url: secretSchema(sources)
      .superRefine((url, context) => {
        const found = wrongIn(url.reveal());
        const expected = "a URL such as postgres://sluice@db.example.com/sluice";
        if (found !== undefined) context.addIssue({ code: "custom", params: { found, expected } });
      })
      .describe(
        "such as postgres://user:password@host/database?sslmode=verify-full&sslrootcert=/etc/ca.pem; see operate.md",
      ),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, { error: "a name of lower-case letters, digits and _" })
      .default("sluice")
      .describe("the schema of the tables, made at the first start"),
    connections: z
      .int()
      .min(2)
      .max(100)
      .default(8)
      .describe("how many connections are open at most, besides one for the gateway's locks"),
  });

/** Where what must last is kept. */
export const dataSchema = (sources: SecretSources) =>
  z.strictObject({
    directory: z.string().min(1).default(".sluice").describe("the data directory, relative to the working directory"),
    store: z
      .enum(["sqlite", "postgres", "memory"])
      .default("sqlite")
      .describe(
        "sqlite: files in the data directory; postgres: data.postgres, and no file here; memory: everything is lost when the gateway stops",
      ),
    postgres: postgres(sources).optional().describe("the database of store postgres"),
    shared: z
      .boolean()
      .default(false)
      .describe(
        "true: several gateways may use the directory or schema; each then enforces caps on its own, unless cluster.redis makes them one",
      ),
  });

/** The record of usage: one row per stream, see docs/usage.md. */
export const ledgerSchema = z.strictObject({
  mode: z
    .enum(["alongside", "strict", "off"])
    .default("alongside")
    .describe(
      "alongside: a stream's row is written while its upstream is called; strict: before the call; off: nothing is recorded",
    ),
  spoolRows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      "rows kept in memory while the ledger cannot be written, about 1 KiB each; beyond that, opens are refused",
    ),
  openWaitMs: milliseconds(2_000, 60_000).describe(
    "how long an open that must be recorded waits for its commit before it is refused with ledger_unavailable",
  ),
  retentionDays: z
    .int()
    .min(32)
    .max(36_500)
    .default(400)
    .describe(
      "how long rows are kept: by default a year and its comparison; at least a month, which monthly caps look back",
    ),
});
