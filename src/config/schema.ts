import * as z from "zod";
import { isAppOrigin } from "../core/kernel/app-origin.ts";
import { network } from "./addresses/network.ts";
import { capsSchema } from "./caps-schema.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { crossCheck } from "./cross-checks.ts";
import { dataSchema, ledgerSchema } from "./data-schema.ts";
import { limitsSchema } from "./limits-schema.ts";
import { withListPrices } from "./list-prices.ts";
import { modelSchema, routeSchema } from "./route-schema.ts";
import { type SecretSources, secretSchema } from "./secret.ts";

const routeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const modelAlias = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/);

const host = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/);
const isWebOrigin = (text: string): boolean => text !== "null" && URL.parse(text)?.origin === text;
const origin = z.string().refine((text) => isAppOrigin(text) || isWebOrigin(text), {
  params: {
    expected: "an exact origin such as https://chat.example.com or tauri://localhost, without a path; not * or null",
  },
});
const hostName = z.string().refine((text) => URL.parse(`http://${text}`)?.hostname === text, {
  params: { expected: "a host name such as sluice.example.com, in lower case, without port" },
});

const listen = z.strictObject({
  host: host
    .default("127.0.0.1")
    .describe("address to listen on; beyond loopback a token or auth.required is required"),
  port: z.int().min(0).max(65_535).default(18_789).describe("0 takes any free port"),
  basePath: z
    .string()
    .regex(/^(\/[\w.~-]+)*\/?$/, { error: 'a path such as "/sluice"' })
    .default("")
    .transform((path) => path.replace(/\/$/, ""))
    .describe("path below which a proxy serves the gateway, such as /sluice, whether or not the proxy strips it"),
  trustedProxies: z
    .array(network)
    .default([])
    .describe("addresses or networks of proxies whose X-Forwarded-For is trusted to name the client"),
});

const log = z.strictObject({
  level: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("the least severe level that is logged"),
  pretty: z
    .union([z.boolean(), z.literal("auto")], { error: 'true, false or "auto"' })
    .default("auto")
    .describe("readable lines instead of JSON; auto: if the output is a terminal"),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe("whether metrics are served for Prometheus"),
  callerLabel: z
    .boolean()
    .default(false)
    .describe(
      "true: streams, tokens and refusals are counted by caller too, which multiplies their series by the number of gateway keys",
    ),
  listen: z
    .strictObject({
      host: host.default("127.0.0.1").describe("its own address; no token is required there"),
      port: z.int().min(0).max(65_535).describe("0 takes any free port"),
    })
    .optional()
    .describe(
      "a separate listener for /metrics; without it /metrics is served where clients connect, and requires the token",
    ),
});

const runtime = z.strictObject({
  collector: z
    .enum(["auto", "single", "parallel"])
    .default("auto")
    .describe(
      "single: garbage is collected on the event loop's thread; parallel: with helper threads; auto: single if the process may use one processor only",
    ),
});

const openclaw = z.strictObject({
  agentName: z.string().min(1).max(64).default("Sluice").describe("the name chat clients show"),
  systemPrompt: z.string().min(1).optional().describe("system prompt prepended to every conversation"),
  controlUi: z
    .string()
    .min(1)
    .optional()
    .describe(
      "directory of an installed Control UI, served at /ui/; by default control-ui in the data directory, if it exists",
    ),
  historyMessages: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe("how many of a session's newest messages are sent upstream with the next one"),
  historyFileTurns: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe("how many of the newest user messages are sent with their files; of older files only the names are"),
});

const aiSdk = z.strictObject({
  path: z
    .string()
    .regex(/^(\/[\w.~-]+)+$/, { error: 'a path such as "/v1/chat"' })
    .default("/v1/chat")
    .describe("where the AI SDK's WebSocketChatTransport connects"),
});

/** The configuration's schema. Parsing resolves references to secrets. */
export const configSchema = (sources: SecretSources) =>
  z
    .strictObject({
      $schema: z.string().optional().describe("for editors: ./sluice.config.schema.json"),
      listen: listen.prefault({}).describe("where clients connect"),
      auth: z
        .strictObject({
          token: secretSchema(sources)
            .optional()
            .describe("the token all clients send; without it and without gateway keys, loopback clients need none"),
          required: z
            .boolean()
            .default(false)
            .describe("true: clients need a token or key even before one exists; creating a key has the same effect"),
        })
        .prefault({})
        .describe("who may connect"),
      allowedOrigins: z
        .array(origin)
        .default([])
        .describe(
          "origins whose pages may connect, besides the gateway's own: web pages, desktop apps and browser extensions",
        ),
      allowedHosts: z
        .array(hostName)
        .default([])
        .describe("values of the Host header that are accepted, besides loopback names and listen.host"),
      demo: z
        .boolean()
        .optional()
        .transform((demo) => demo ?? false)
        .describe("whether the embedded demo upstream runs; by default only when the file has no routes"),
      routes: z.record(routeName, routeSchema(sources)).prefault({}).describe("upstreams by name"),
      models: z.record(modelAlias, modelSchema).default({}).describe("models by the alias clients use"),
      defaultModel: z.string().optional().describe("alias for requests that name no model; by default the first one"),
      listPrices: z
        .boolean()
        .default(true)
        .describe(
          "models without a price get their provider's published one in US dollars, where docs/providers.md has it; false for bills in another currency",
        ),
      caps: capsSchema
        .prefault({})
        .describe("what all callers together may use, beside the caps of keys and teams, see caps.md"),
      limits: limitsSchema.prefault({}).describe("ceilings for the whole gateway"),
      watch: z
        .boolean()
        .default(false)
        .describe("true: the file is read again when it changes, as on SIGHUP; see configuration.md"),
      log: log.prefault({}).describe("one JSON line per stream and per connection"),
      metrics: metrics.prefault({}).describe("metrics for Prometheus, see metrics.md"),
      data: dataSchema(sources).prefault({}).describe("where keys, usage, sessions and transcripts are kept"),
      cluster: clusterSchema(sources).prefault({}).describe("several gateways that act as one, see cluster.md"),
      ledger: ledgerSchema.prefault({}).describe("the record of usage, see usage.md"),
      runtime: runtime.prefault({}).describe("how the process runs"),
      openclaw: openclaw.prefault({}).describe("the OpenClaw face"),
      aiSdk: aiSdk.prefault({}).describe("the AI SDK face"),
    })
    .superRefine(crossCheck)
    .transform(withListPrices)
    .describe("Configuration of Sluice");

/** A configuration as sluice.config.json has it. The package's declarations spell it out, with every key's description. */
export type ConfigFile = z.input<ReturnType<typeof configSchema>>;

/** A configuration with every default filled in and every secret read. */
export type Config = z.output<ReturnType<typeof configSchema>>;
