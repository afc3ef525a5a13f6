import type * as z from "zod";
import type { modelSchema, routeSchema } from "./route-schema.ts";

interface Preset {
  /** The environment variable whose presence calls for the route. */
  readonly env: string;
  readonly name: string;
  readonly route: z.input<ReturnType<typeof routeSchema>>;
  readonly models: Readonly<Record<string, z.input<typeof modelSchema>>>;
}

/** Upstreams that need no file: a key in the environment is enough. Addresses are the vendors' documented ones. */
export const PRESETS: readonly Preset[] = [
  {
    env: "ANTHROPIC_API_KEY",
    name: "anthropic",
    route: {
      dialect: "anthropic-messages",
      baseUrl: "https://api.anthropic.com",
      key: { env: "ANTHROPIC_API_KEY" },
      passModels: true,
    },
    models: {
      "claude-sonnet": { route: "anthropic", model: "claude-sonnet-5", name: "Claude Sonnet" },
      "claude-haiku": { route: "anthropic", model: "claude-haiku-4-5", name: "Claude Haiku" },
    },
  },
  {
    env: "OPENAI_API_KEY",
    name: "openai",
    route: {
      dialect: "openai-responses",
      baseUrl: "https://api.openai.com/v1",
      key: { env: "OPENAI_API_KEY" },
      passModels: true,
    },
    models: { gpt: { route: "openai", model: "gpt-5", name: "GPT" } },
  },
  {
    // The same account in its older dialect, for clients that bring their own request bodies.
    env: "OPENAI_API_KEY",
    name: "openai-chat",
    route: {
      dialect: "openai-chat",
      baseUrl: "https://api.openai.com/v1",
      key: { env: "OPENAI_API_KEY" },
      passModels: true,
    },
    models: {},
  },
  {
    env: "MOONSHOT_API_KEY",
    name: "moonshot",
    route: {
      dialect: "openai-chat",
      baseUrl: "https://api.moonshot.ai/v1",
      key: { env: "MOONSHOT_API_KEY" },
      // Another preset of the dialect passes all names.
      passModels: ["kimi-*", "moonshot-*"],
    },
    models: { kimi: { route: "moonshot", model: "kimi-k3", name: "Kimi" } },
  },
];

type Names = Readonly<Record<string, unknown>>;

/** Routes and models as the file has them, with those of the environment's keys behind. What the file names wins. */
export function withPresets(
  routes: Names,
  models: Names,
  env: Readonly<Record<string, string | undefined>>,
): { routes: Names; models: Names } {
  const wanted = PRESETS.filter((preset) => env[preset.env] && !Object.hasOwn(routes, preset.name));
  const presetRoutes = Object.fromEntries(wanted.map(({ name, route }) => [name, route]));
  const presetModels = Object.fromEntries(wanted.flatMap((preset) => Object.entries(preset.models)));
  // The file's own come first: the first model is the default one.
  return { routes: { ...routes, ...presetRoutes }, models: { ...models, ...presetModels, ...models } };
}
