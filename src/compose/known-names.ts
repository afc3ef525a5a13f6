import type { Config } from "../config/schema.ts";
import type { GatewayKey } from "../core/caller/key-ring.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { matchesName } from "../core/kernel/name-pattern.ts";
import { demoRoutes } from "../demo/demo-routes.ts";

/**
 * Checks that a key's lists name models and routes of the configuration, or models that a route passes. Throws
 * `bad_request` with the names there are: a key limited to a name that was mistyped could do nothing.
 */
export function checkNames(
  { models, routes }: Pick<GatewayKey, "models" | "routes">,
  config: Pick<Config, "models" | "routes" | "demo">,
): void {
  const demo = config.demo ? demoRoutes("http://127.0.0.1") : { models: [], routes: [] };
  const aliases = [...Object.keys(config.models), ...demo.models.map(({ alias }) => alias)];
  const passed = Object.values(config.routes).flatMap(({ passModels }) =>
    typeof passModels === "boolean" ? (passModels ? ["*"] : []) : passModels,
  );
  const isModel = (name: string) =>
    aliases.some((alias) => matchesName(name, alias)) ||
    passed.some((pattern) => matchesName(pattern, name) || matchesName(name, pattern));
  const strange = models?.find((name) => !isModel(name));
  if (strange !== undefined) throw unknown("models", strange, [...aliases, ...passed]);
  const routeNames = [...Object.keys(config.routes), ...demo.routes.map(({ name }) => name)];
  const elsewhere = routes?.find((name) => !routeNames.includes(name));
  if (elsewhere !== undefined) throw unknown("routes", elsewhere, routeNames);
}

const unknown = (option: string, name: string, known: readonly string[]) =>
  new GatewayError(
    "bad_request",
    `--${option}: there is no ${name} in the configuration; there are ${known.join(", ")}`,
  );
