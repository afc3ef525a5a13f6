import type { Price } from "../core/usage/price.ts";

/** A price, where it is published, and the day it was looked up (`2026-11-28`). */
export interface SourcedPrice extends Price {
  readonly source?: string | undefined;
  readonly asOf?: string | undefined;
}

/** What one provider asks for its models, in US dollars per million tokens. */
interface PriceList {
  /** The origin of the provider's own API: resellers and clouds ask other prices for the same models. */
  readonly origin: string;
  readonly source: string;
  readonly asOf: string;
  /** By the provider's exact model id: a snapshot or a variant may cost something else. */
  readonly models: Readonly<Record<string, Price>>;
}

const OPUS = { input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 };
const SONNET = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/**
 * Published prices, standard tier. Left out: models whose price depends on the prompt's length (Claude Haiku 5.5) or on the
 * time of day (DeepSeek's), and every price we found nowhere, or two of. Writes to Anthropic's cache are priced for five minutes.
 */
export const PRICE_LISTS: readonly PriceList[] = [
  {
    origin: "https://api.anthropic.com",
    source: "https://platform.claude.com/docs/en/about-claude/pricing",
    asOf: "2026-11-28",
    models: {
      "claude-fable-5": { input: 10, output: 50, cacheRead: 1, cacheWrite: 12.5 },
      "claude-opus-5": OPUS,
      "claude-opus-4-8": OPUS,
      "claude-opus-4-7": OPUS,
      "claude-opus-4-6": OPUS,
      "claude-opus-4-5": OPUS,
      "claude-sonnet-5": { input: 2, output: 10, cacheRead: 0.2, cacheWrite: 2.5 },
      "claude-sonnet-4-6": SONNET,
      "claude-sonnet-4-5": SONNET,
      "claude-haiku-4-5": { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 },
    },
  },
  {
    origin: "https://api.openai.com",
    source: "https://developers.openai.com/api/docs/pricing",
    asOf: "2026-11-28",
    models: {
      "gpt-5": { input: 1.25, output: 10, cacheRead: 0.125 },
      "gpt-5-mini": { input: 0.25, output: 2, cacheRead: 0.025 },
      "gpt-5-nano": { input: 0.05, output: 0.4, cacheRead: 0.005 },
    },
  },
  {
    origin: "https://api.moonshot.ai",
    source: "https://platform.kimi.ai/docs/pricing/chat-k3",
    asOf: "2026-11-28",
    models: { "kimi-k3": { input: 3, output: 15, cacheRead: 0.3 } },
  },
];

/** The published prices of a route's models, by the provider's own model id; empty for an address without a price list. */
export function listPrices(baseUrl: string): ReadonlyMap<string, SourcedPrice> {
  const origin = URL.parse(baseUrl)?.origin;
  const lists = PRICE_LISTS.filter((list) => list.origin === origin);
  return new Map(
    lists.flatMap(({ source, asOf, models }) =>
      Object.entries(models).map(([model, price]) => [model, { ...price, source, asOf }] as const),
    ),
  );
}

interface Place {
  readonly route: string;
  readonly model: string;
  readonly price?: SourcedPrice | undefined;
}

interface Priced {
  readonly listPrices: boolean;
  readonly routes: Readonly<Record<string, { readonly baseUrl: string }>>;
  readonly models: Readonly<
    Record<string, Place & { readonly fallback?: { readonly targets: readonly Place[] } | undefined }>
  >;
}

/**
 * The configuration with the published price of each model and target that has none of its own, unless it wants none
 * (`listPrices`).
 */
export function withListPrices<Config extends Priced>(config: Config): Config {
  if (!config.listPrices) return config;
  const priced = <Of extends Place>(place: Of): Of => {
    const price = place.price ?? listPrices(config.routes[place.route]?.baseUrl ?? "").get(place.model);
    return price === undefined ? place : { ...place, price };
  };
  const models = Object.entries(config.models).map(([alias, model]) => {
    const { fallback } = model;
    const all = fallback && { fallback: { ...fallback, targets: fallback.targets.map(priced) } };
    return [alias, { ...priced(model), ...all }];
  });
  return { ...config, models: Object.fromEntries(models) };
}
