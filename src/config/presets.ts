import { isObject } from "../core/kernel/json.ts";
import { PROVIDERS, type ProviderName, providerNamed } from "./providers.ts";

/** A route of a provider's preset that needs no file. */
interface Preset {
  readonly name: ProviderName;
  /** The environment variable whose presence calls for the route. */
  readonly env: string;
  /** The models it takes under their own names, if not all. */
  readonly passModels?: readonly string[];
  readonly models: Readonly<Record<string, { readonly route: string; readonly model: string; readonly name: string }>>;
}

/** Upstreams that need no file: a key in the environment is enough. */
export const PRESETS: readonly Preset[] = [
  {
    name: "anthropic",
    env: PROVIDERS.anthropic.keyEnv,
    models: {
      "claude-sonnet": { route: "anthropic", model: "claude-sonnet-5", name: "Claude Sonnet" },
      "claude-haiku": { route: "anthropic", model: "claude-haiku-4-5", name: "Claude Haiku" },
    },
  },
  {
    name: "openai",
    env: PROVIDERS.openai.keyEnv,
    models: { gpt: { route: "openai", model: "gpt-5", name: "GPT" } },
  },
  // The same account in its older dialect, for clients that bring their own request bodies.
  { name: "openai-chat", env: PROVIDERS["openai-chat"].keyEnv, models: {} },
  {
    name: "moonshot",
    env: PROVIDERS.moonshot.keyEnv,
    // Another preset of the dialect passes all names.
    passModels: ["kimi-*", "moonshot-*"],
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
  const wanted = PRESETS.filter(
    (preset) => env[preset.env] && !Object.hasOwn(routes, preset.name) && !isForElsewhere(preset, routes),
  );
  const presetRoutes = Object.fromEntries(
    wanted.map(({ name, passModels }) => [name, { preset: name, ...(passModels && { passModels }) }]),
  );
  const presetModels = Object.fromEntries(wanted.flatMap((preset) => Object.entries(preset.models)));
  // The file's own come first: the first model is the default one.
  return { routes: { ...routes, ...presetRoutes }, models: { ...models, ...presetModels, ...models } };
}

/** Whether the file uses the variable's key at another address, such as Moonshot's in China, whose keys work only there. */
const isForElsewhere = ({ name, env }: Preset, routes: Names): boolean =>
  Object.values(routes).some((route) => {
    const used = isObject(route) ? providerNamed(route.preset) : undefined;
    return used?.keyEnv === env && used.route.baseUrl !== providerNamed(name)?.route.baseUrl;
  });
