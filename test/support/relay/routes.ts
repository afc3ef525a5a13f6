/** Routes and models of tests. */
import type { Dialect } from "../../../src/core/dialect/dialect.ts";
import type { Model, Route } from "../../../src/core/dialect/routing.ts";
import { dialects } from "../../../src/dialects/registry.ts";

/** Throws for an unknown name. */
export function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (!dialect) throw new Error(`no dialect ${name}`);
  return dialect;
}

/** A route of this dialect, with a key of the gateway's. */
export const route = (name: string, dialect: string): Route => ({
  name,
  dialect: dialectOf(dialect),
  key: "sk-secret-key-of-the-route",
  headers: {},
});

/** A model on this route, with a price and a context window. */
export const model = (alias: string, of: Route): Model => ({
  alias,
  route: of,
  upstreamModel: `${alias}-upstream`,
  name: alias.toUpperCase(),
  defaults: {},
  price: { input: 1, output: 2 },
  contextWindow: 128_000,
});
