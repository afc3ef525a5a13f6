import { startTestGateway } from "../../support/gateways/gateway.ts";
import { type Provider, type ProviderAnswer, startProvider } from "../../support/upstreams/provider.ts";

export const ROUTE_KEY = "sk-test-key-of-the-route-0123456789";

/** Every path that the tests' route passes on. */
export const PATHS = [
  "POST /v1/embeddings",
  "POST /v1/files",
  "GET /v1/files",
  "GET /v1/files/*",
  "GET /v1/files/*/content",
  "DELETE /v1/files/*",
  "POST /v1/batches",
  "GET /v1/batches/*",
  "POST /v1/images/generations",
  "POST /v1/images/edits",
];

/** The configuration of a gateway whose route `openai` passes `paths` on to this provider. */
export const passing = (upstream: string, paths: readonly string[] = PATHS, more: Record<string, unknown> = {}) => ({
  routes: {
    openai: { dialect: "openai-chat", baseUrl: `${upstream}/v1`, key: ROUTE_KEY, passThrough: paths },
  },
  models: { embed: { route: "openai", model: "text-embedding-3-small", price: { input: 1, output: 1 } } },
  ...more,
});

/** A gateway that passes on to a provider of the test's own. */
export async function setUp(answer: ProviderAnswer, config: (upstream: string) => Record<string, unknown> = passing) {
  const stack = new AsyncDisposableStack();
  const provider: Provider = stack.use(await startProvider(answer));
  const gateway = stack.use(await startTestGateway({ config: config(provider.url) }));
  return {
    provider,
    gateway,
    url: gateway.url,
    /** The lines of requests that were passed on. */
    lines: () => gateway.log.lines.filter(({ event }) => event === "stream"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
