import { z } from "zod";
import { isAppOrigin } from "../core/kernel/app-origin.ts";
import { crossCheck } from "./cross-checks.ts";
import { ledgerSchema } from "./ledger-schema.ts";
import { limitsSchema } from "./limits-schema.ts";
import { network } from "./network.ts";
import { modelSchema, routeSchema } from "./route-schema.ts";
import { type SecretSources, secretSchema } from "./secret.ts";

const routeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const modelAlias = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/);

const host = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/);
const isWebOrigin = (text: string): boolean => text !== "null" && URL.parse(text)?.origin === text;
const origin = z.string().refine((text) => isAppOrigin(text) || isWebOrigin(text), {
  params: {
    expected:
      "an exact origin such as https://chat.example.com or tauri://localhost, without a path; * and null are none",
  },
});
const hostName = z.string().refine((text) => URL.parse(`http://${text}`)?.hostname === text, {
  params: { expected: "a host name such as sluice.example.com, in lower case, without port" },
});

const listen = z.strictObject({
  host: host.default("127.0.0.1").describe("address to listen on; beyond loopback a token or auth.required is needed"),
  port: z.int().min(0).max(65_535).default(18_789).describe("0 takes any free port"),
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)*\/?$/, { error: 'a path such as "/sluice"' })
    .default("")
    .transform((path) => path.replace(/\/$/, ""))
    .describe("path below which a proxy serves the gateway, whether or not the proxy takes it off, such as /sluice"),
  trustedProxies: z
    .array(network)
    .default([])
    .describe("addresses or networks of proxies whose X-Forwarded-For tells where a client is"),
});

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info").describe("least level"),
  pretty: z
    .union([z.boolean(), z.literal("auto")], { error: 'true, false or "auto"' })
    .default("auto")
    .describe("readable lines instead of JSON; auto: when the output is a terminal"),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe("whether there is a page for Prometheus"),
  listen: z
    .strictObject({
      host: host.default("127.0.0.1").describe("its own address; no token is asked for there"),
      port: z.int().min(0).max(65_535).describe("0 takes any free port"),
    })
    .optional()
    .describe("a listener for /metrics alone; without it /metrics is where clients connect, and needs the token"),
});

const data = z.strictObject({
  directory: z.string().min(1).default(".sluice").describe("where the store lives, from the working directory"),
  store: z.enum(["sqlite", "memory"]).default("sqlite").describe("memory forgets everything at the end"),
  shared: z
    .boolean()
    .default(false)
    .describe("true: other gateways may run on the same directory; each then holds callers to their caps by itself"),
});

const openclaw = z.strictObject({
  agentName: z.string().min(1).max(64).default("Sluice").describe("the name chat clients show"),
  systemPrompt: z.string().min(1).optional().describe("put before every conversation"),
  controlUi: z
    .string()
    .min(1)
    .optional()
    .describe(
      "directory of an installed Control UI, served at /ui/; by default control-ui in the data directory, if it is there",
    ),
  historyMessages: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe("newest messages of a session that go upstream with the next one"),
});

/** The whole configuration. References to secrets are followed while it is parsed. */
export const configSchema = (sources: SecretSources) =>
  z
    .strictObject({
      $schema: z.string().optional().describe("for editors: ./sluice.config.schema.json"),
      listen: listen.prefault({}).describe("where clients connect"),
      auth: z
        .strictObject({
          token: secretSchema(sources)
            .optional()
            .describe("the token all clients give; without it and without gateway keys, loopback clients need none"),
          required: z
            .boolean()
            .default(false)
            .describe("true: clients need a token or key even before there is one; a key that was made means the same"),
        })
        .prefault({})
        .describe("who may connect"),
      allowedOrigins: z
        .array(origin)
        .default([])
        .describe(
          "origins whose pages may connect, besides our own: of web pages, desktop apps and browser extensions",
        ),
      allowedHosts: z
        .array(hostName)
        .default([])
        .describe("values of the Host header to answer to, besides loopback names and listen.host"),
      demo: z
        .boolean()
        .optional()
        .transform((demo) => demo ?? false)
        .describe("the embedded demo upstream; by default only when the file has no routes"),
      routes: z.record(routeName, routeSchema(sources)).prefault({}).describe("upstreams by name"),
      models: z.record(modelAlias, modelSchema).default({}).describe("models by the alias clients use"),
      defaultModel: z.string().optional().describe("alias for clients that name none; by default the first model"),
      limits: limitsSchema.prefault({}).describe("ceilings for the whole gateway"),
      log: log.prefault({}).describe("one JSON line per stream and per connection"),
      metrics: metrics.prefault({}).describe("figures for Prometheus, see metrics.md"),
      data: data.prefault({}).describe("where sessions and transcripts are kept"),
      ledger: ledgerSchema.prefault({}).describe("the record of usage, see usage.md"),
      openclaw: openclaw.prefault({}).describe("the OpenClaw face"),
    })
    .superRefine(crossCheck)
    .describe("Configuration of Sluice");

/** A configuration with every default filled in and every secret read. */
export type Config = z.output<ReturnType<typeof configSchema>>;
