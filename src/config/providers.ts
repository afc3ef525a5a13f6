import type { DialectName } from "../../protocol/dialects.ts";

/** What a preset fills into a route. Every key that the route has itself wins. */
interface PresetRoute {
  readonly dialect: DialectName;
  readonly baseUrl?: string;
  readonly keyHeader?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly includeUsage?: boolean;
  readonly passModels: true;
  readonly allowPrivateNetwork?: readonly string[];
}

/** One provider or model server, as `routes.<name>.preset` names it. */
export interface Provider {
  /** As people know it. */
  readonly title: string;
  /** The variable with its key that its own documentation uses; none for a server that wants no key. */
  readonly keyEnv?: string;
  /** The form of the address, where everybody has their own. */
  readonly addressForm?: string;
  readonly route: PresetRoute;
  /** What its streams do that not every server of the dialect does, for docs/providers.md. */
  readonly habits: string;
}

const chat = (baseUrl: string, more: Omit<PresetRoute, "dialect" | "baseUrl" | "passModels"> = {}): PresetRoute => ({
  dialect: "openai-chat",
  baseUrl,
  passModels: true,
  ...more,
});

/** Loopback, private and unique local networks (RFC 1918, RFC 4193); not link-local ones, where clouds keep metadata. */
const HOUSE = ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const local = (port: number): PresetRoute => chat(`http://127.0.0.1:${port}/v1`, { allowPrivateNetwork: HOUSE });

/** Addresses, key variables and ports are those of each one's own documentation, November 2026. */
export const PROVIDERS = {
  anthropic: {
    title: "Anthropic",
    keyEnv: "ANTHROPIC_API_KEY",
    route: { dialect: "anthropic-messages", baseUrl: "https://api.anthropic.com", passModels: true },
    habits: "pings between events",
  },
  openai: {
    title: "OpenAI (Responses)",
    keyEnv: "OPENAI_API_KEY",
    route: { dialect: "openai-responses", baseUrl: "https://api.openai.com/v1", passModels: true },
    habits: "usage in the last event",
  },
  "openai-chat": {
    title: "OpenAI (Chat Completions)",
    keyEnv: "OPENAI_API_KEY",
    route: chat("https://api.openai.com/v1"),
    habits: "usage in a last chunk without choices",
  },
  openrouter: {
    title: "OpenRouter",
    keyEnv: "OPENROUTER_API_KEY",
    route: chat("https://openrouter.ai/api/v1"),
    habits: "comments (`: OPENROUTER PROCESSING`) while it waits; errors in a 200; thinking in `reasoning`",
  },
  azure: {
    title: "Azure OpenAI, `/openai/v1`",
    keyEnv: "AZURE_OPENAI_API_KEY",
    addressForm: "https://<resource>.openai.azure.com/openai/v1",
    route: { dialect: "openai-chat", keyHeader: "api-key", passModels: true },
    habits: "a first chunk without choices (`prompt_filter_results`)",
  },
  "azure-deployment": {
    title: "Azure OpenAI, one deployment",
    keyEnv: "AZURE_OPENAI_API_KEY",
    addressForm: "https://<resource>.openai.azure.com/openai/deployments/<deployment>",
    route: {
      dialect: "openai-chat",
      keyHeader: "api-key",
      query: { "api-version": "2024-10-21" },
      passModels: true,
    },
    habits: "the same; the deployment decides the model, whatever the request names",
  },
  google: {
    title: "Google (Gemini API)",
    keyEnv: "GEMINI_API_KEY",
    route: {
      dialect: "google-gemini",
      baseUrl: "https://generativelanguage.googleapis.com/v1beta",
      passModels: true,
    },
    habits: "running usage on every chunk, thoughts beside the output; no last event but a finish reason",
  },
  gemini: {
    title: "Gemini, OpenAI-compatible",
    keyEnv: "GEMINI_API_KEY",
    route: chat("https://generativelanguage.googleapis.com/v1beta/openai"),
    habits: "running usage on every chunk; whole tool calls",
  },
  bedrock: {
    title: "Amazon Bedrock, OpenAI-compatible",
    keyEnv: "AWS_BEARER_TOKEN_BEDROCK",
    addressForm: "https://bedrock-runtime.<region>.amazonaws.com/openai/v1",
    route: { dialect: "openai-chat", passModels: true },
    habits: "needs a Bedrock API key; requests signed with AWS credentials are not supported",
  },
  xai: {
    title: "xAI",
    keyEnv: "XAI_API_KEY",
    route: chat("https://api.x.ai/v1"),
    habits: "output tokens without those of `reasoning_content`, which are added",
  },
  groq: {
    title: "Groq",
    keyEnv: "GROQ_API_KEY",
    route: chat("https://api.groq.com/openai/v1"),
    habits: "usage in `x_groq`; thinking in `reasoning`",
  },
  together: {
    title: "Together AI",
    keyEnv: "TOGETHER_API_KEY",
    route: chat("https://api.together.ai/v1"),
    habits: "usage with the finish reason",
  },
  mistral: {
    title: "Mistral",
    keyEnv: "MISTRAL_API_KEY",
    route: chat("https://api.mistral.ai/v1", { includeUsage: false }),
    habits: "refuses `stream_options`, reports usage unasked; thinking as content parts; calls without an index",
  },
  deepseek: {
    title: "DeepSeek",
    keyEnv: "DEEPSEEK_API_KEY",
    route: chat("https://api.deepseek.com"),
    habits: "comments (`: keep-alive`); usage with the finish reason; thinking in `reasoning_content`",
  },
  moonshot: {
    title: "Moonshot, global",
    keyEnv: "MOONSHOT_API_KEY",
    route: chat("https://api.moonshot.ai/v1"),
    habits: "usage in the choice; thinking in `reasoning_content`",
  },
  "moonshot-cn": {
    title: "Moonshot, China",
    keyEnv: "MOONSHOT_API_KEY",
    route: chat("https://api.moonshot.cn/v1"),
    habits: "the same; its accounts and keys are separate",
  },
  ollama: { title: "Ollama", route: local(11_434), habits: "thinking in `reasoning`; whole tool calls" },
  vllm: { title: "vLLM", route: local(8_000), habits: "thinking in `reasoning`, formerly `reasoning_content`" },
  "llama.cpp": {
    title: "llama.cpp",
    route: local(8_080),
    habits: "`timings` beside the usage; comments as keep-alive",
  },
  lmstudio: { title: "LM Studio", route: local(1_234), habits: "thinking in `reasoning_content`" },
} as const satisfies Readonly<Record<string, Provider>>;

/** A preset's name. */
export type ProviderName = keyof typeof PROVIDERS;

/** The provider of a preset's name; undefined for any other value. */
export const providerNamed = (name: unknown): Provider | undefined =>
  typeof name === "string" && Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name as ProviderName] : undefined;

/** Every preset's name. */
export const PROVIDER_NAMES = Object.keys(PROVIDERS) as [ProviderName, ...ProviderName[]];
