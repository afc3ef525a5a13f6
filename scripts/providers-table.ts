import { PRICE_LISTS } from "../src/config/list-prices.ts";
import { PROVIDERS, type Provider } from "../src/config/providers.ts";

const code = (text: string) => `\`${text}\``;
const dollars = (perMillion: number | undefined) => (perMillion === undefined ? "as input" : String(perMillion));

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The presets as a Markdown table. */
export function presetsTable(): string {
  const rows = Object.entries<Provider>(PROVIDERS).map(([name, { title, route, addressForm, keyEnv, habits }]) => [
    code(name),
    title,
    code(route.dialect),
    code(route.baseUrl ?? addressForm ?? ""),
    keyEnv === undefined ? "none" : code(keyEnv),
    habits,
  ]);
  return `### The presets\n\n${table(["preset", "provider", "dialect", "address", "key", "its streams"], rows)}\n`;
}

/** The published prices as Markdown, a table for each list with its source and date. */
export function pricesTables(): string {
  return PRICE_LISTS.map(({ origin, source, asOf, models }) => {
    const head = ["model", "input", "output", "cache read", "cache write"];
    const rows = Object.entries(models).map(([model, { input, output, cacheRead, cacheWrite }]) => [
      code(model),
      ...[input, output, cacheRead, cacheWrite].map(dollars),
    ]);
    return `### Prices at ${origin}\n\nLooked up ${asOf}; published at <${source}>. In US dollars per million tokens.\n\n${table(head, rows)}\n`;
  }).join("\n");
}
