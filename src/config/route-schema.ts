import * as z from "zod";
import { DIALECTS } from "../../protocol/dialects.ts";
import { isObject } from "../core/kernel/json.ts";
import { isLoopback } from "./addresses/loopback.ts";
import { network } from "./addresses/network.ts";
import { certificates, clientCertificateSchema } from "./certificates.ts";
import { milliseconds } from "./limits-schema.ts";
import { priceSchema } from "./price-schema.ts";
import { PROVIDER_NAMES, providerNamed } from "./providers.ts";
import { proxySchema, proxyTo } from "./proxy.ts";
import { passThroughPatternSchema } from "./routes/pass-through.ts";
import { type SecretSources, secretSchema } from "./secret.ts";
import { fallbackFields, withTargets } from "./target-schema.ts";

/** Limits on the waits of a route's calls, with their defaults. */
export const timeoutsSchema = z.strictObject({
  connectMs: milliseconds(10_000).describe("until the upstream's socket is connected, TLS included"),
  headersMs: milliseconds(120_000).describe("until the headers of its answer: models think before they speak"),
  firstEventMs: milliseconds(180_000).describe("until the first event with data"),
  idleMs: milliseconds(60_000).describe("between two reads; comments and pings count"),
  progressMs: milliseconds(300_000).describe("between two events with data"),
  totalMs: milliseconds(900_000).describe("for the whole call"),
});

const baseUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  // What was found is named, never quoted: a URL can hold credentials.
  const found =
    url === null
      ? "a string that is no URL"
      : url.protocol !== "https:" && url.protocol !== "http:"
        ? "a URL of another scheme"
        : url.username !== "" || url.password !== ""
          ? "a URL with credentials"
          : url.search !== "" || url.hash !== ""
            ? "a URL with a query or a fragment"
            : undefined;
  if (found) {
    context.addIssue({ code: "custom", params: { found, expected: "an http or https URL of host and path" } });
  }
});

const modelPattern = z
  .string()
  .regex(/^[!-~]{1,256}$/)
  .describe("a provider's own model name, in which * stands for anything");

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/);

/** A route with what its preset adds: each key that the route does not have itself. */
function withPreset(given: unknown, context: z.core.$RefinementCtx): unknown {
  const preset = isObject(given) ? providerNamed(given.preset) : undefined;
  if (!isObject(given) || preset === undefined) return given;
  const { route, keyEnv, addressForm } = preset;
  if (addressForm !== undefined && given.baseUrl === undefined) {
    context.addIssue({ code: "custom", path: ["baseUrl"], params: { found: "nothing", expected: addressForm } });
    return z.NEVER;
  }
  const key = keyEnv !== undefined && given.keys === undefined && { key: { env: keyEnv } };
  return { ...route, ...key, ...given };
}

/** One upstream: how it speaks, where it is, and the limits on each wait. */
export const routeSchema = (sources: SecretSources) => z.preprocess(withPreset, routeFields(sources));

const routeFields = (sources: SecretSources) =>
  z
    .strictObject({
      preset: z
        .enum(PROVIDER_NAMES)
        .optional()
        .describe(
          "a provider or model server of docs/providers.md: sets dialect, baseUrl, key and what else it needs; the route's own keys win",
        ),
      dialect: z.enum(DIALECTS).describe("how the upstream speaks; required without a preset"),
      baseUrl: baseUrl.describe(
        "where it is, without the dialect's own path: https://api.openai.com/v1; required without a preset that has it",
      ),
      key: secretSchema(sources).optional().describe("the provider's key, sent as its dialect wants it"),
      keys: z
        .array(secretSchema(sources))
        .min(1)
        .max(64)
        .optional()
        .describe("instead of key: several, used in turn; one that is refused or limited is spared for a while"),
      headers: z
        .record(headerName, secretSchema(sources))
        .prefault({})
        .describe("further request headers; values may be references and are masked like keys"),
      timeouts: timeoutsSchema
        .prefault({})
        .describe("limits on each wait; one that runs out ends the stream upstream_timeout"),
      maxConnections: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(10_000)
        .describe(
          "sockets to this upstream; one call needs one, so this many streams run at once: as many as limits.openStreams allows",
        ),
      retry: z
        .boolean()
        .default(true)
        .describe(
          "whether failed calls are retried where that helps: only before any answer, out of a budget of 10 %; false: each request is sent once",
        ),
      strictUtf8: z
        .boolean()
        .default(false)
        .describe("malformed UTF-8 ends the stream instead of being replaced and flagged"),
      allowPrivateNetwork: z
        .union([z.boolean(), z.array(network).min(1)], { error: "true, false or a list of networks" })
        .optional()
        .describe(
          "whether private addresses may be called: all, or those of a list such as 172.16.0.0/12, 198.18.0.0/15 or 64:ff9b::/96; by default only when baseUrl names this machine",
        ),
      keepAliveMs: z
        .int()
        .min(0)
        .max(600_000)
        .default(4_000)
        .describe(
          "how long an idle connection is kept for the next call if the upstream does not say how long it keeps it; 0 keeps none",
        ),
      query: z
        .record(z.string().min(1), z.string())
        .default({})
        .describe('query parameters of every request, such as {"api-version": "2024-10-21"} for Azure'),
      keyHeader: headerName
        .toLowerCase()
        .optional()
        .describe(
          "the header that carries the key, such as api-key for Azure; by default the dialect's own. authorization gets Bearer in front of the key",
        ),
      sessionHeader: headerName
        .toLowerCase()
        .optional()
        .describe(
          "a header that tells the upstream which chat session a request belongs to, such as x-openclaw-session-key for an OpenClaw gateway",
        ),
      keepsHistory: z
        .boolean()
        .default(false)
        .describe(
          "the upstream keeps the conversation that sessionHeader names: chats send it only what it has not answered yet, not their whole history",
        ),
      includeUsage: z
        .boolean()
        .default(true)
        .describe(
          "openai-chat streams are asked for their usage (stream_options); false for a server that refuses the parameter",
        ),
      passModels: z
        .union([z.boolean(), modelPattern, z.array(modelPattern).min(1)], {
          error: 'true, false, or names and patterns such as ["claude-*"]',
        })
        .default(false)
        .transform((given) => (typeof given === "string" ? [given] : given))
        .describe(
          "models without an alias, taken under the provider's own names on this dialect's path: true for all, or patterns such as claude-*",
        ),
      passThrough: z
        .array(passThroughPatternSchema)
        .max(100)
        .default([])
        .describe(
          'requests that go to this provider as they are, such as ["POST /v1/embeddings", "GET /v1/files/*"]; * is one segment of a path; none by default (docs/pass-through.md)',
        ),
      probe: z
        .strictObject({
          everyMs: z.int().min(1_000).max(86_400_000).describe("from the start of one to the next"),
        })
        .optional()
        .describe(
          "asks the provider for its list of models (GET /v1/models), which costs nothing, to notice that it fails or is back; never by default (docs/fallback.md)",
        ),
      ca: certificates(sources)
        .optional()
        .describe("path of a PEM file: certificates to trust instead of the platform's; TLS is always verified"),
      clientCertificate: clientCertificateSchema(sources)
        .optional()
        .describe("the certificate that the upstream asks for; a proxy never sees it"),
      tlsMinVersion: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2").describe("the oldest TLS that is spoken"),
      proxy: proxySchema(sources)
        .optional()
        .describe("the HTTP proxy that leads to the upstream; without it the environment's is ignored"),
      jsonAnswer: z
        .boolean()
        .default(false)
        .describe("a JSON answer where a stream was asked for is relayed whole, as one event"),
    })
    .transform((route, context) => ({
      ...route,
      proxy: proxyTo(route.baseUrl, route.proxy, sources.env, (found, expected) =>
        context.addIssue({ code: "custom", path: ["proxy"], params: { found, expected } }),
      ),
      allowPrivateNetwork: route.allowPrivateNetwork ?? isLoopback(URL.parse(route.baseUrl)?.hostname ?? ""),
    }));

/** A name clients use for one model, and where it runs. */
export const modelSchema = z
  .strictObject({
    route: z.string().optional().describe("a route of this configuration"),
    model: z.string().min(1).optional().describe("the upstream's own model id"),
    ...fallbackFields,
    name: z.string().min(1).max(128).optional().describe("what people read; by default the alias"),
    defaults: z
      .record(z.string(), z.json())
      .default({})
      .describe("parameters of the provider's request body, under what the client sends"),
    price: priceSchema
      .optional()
      .describe(
        "in the currency of your bill; by default the provider's list price in US dollars, if listPrices knows it",
      ),
    contextWindow: z.int().min(1).optional().describe("tokens the model can take, shown to clients"),
  })
  .transform(withTargets);
