import { listPrices } from "../config/list-prices.ts";
import { timeoutsSchema } from "../config/route-schema.ts";
import type { Config } from "../config/schema.ts";
import type { Secret } from "../config/secret.ts";
import { type Model, Routing } from "../core/dialect/routing.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { type DemoUpstream, demoRoutes } from "../demo/demo-upstream.ts";
import { dialects } from "../dialects/registry.ts";

/** The routes and models of the configuration and the demo upstream, for the core's routing and for the upstream client. */
export function connectRoutes(config: Config, demo: DemoUpstream | undefined) {
  const offered = demo ? demoRoutes(demo.url) : { routes: [], models: [] };
  const configured = Object.entries(config.routes).flatMap(([name, route]) =>
    keyNames(name, route.keys).map((keyed, index) => ({
      ...route,
      name: keyed,
      ...(config.listPrices && { prices: listPrices(route.baseUrl) }),
      twinOf: index > 0 ? name : undefined,
      key: (route.keys?.[index] ?? route.key)?.reveal(),
      keyOrigin: keyOrigin(name, route.keys?.[index] ?? route.key),
      headers: Object.fromEntries(Object.entries(route.headers).map(([header, value]) => [header, value.reveal()])),
      ...wayOut(route),
    })),
  );
  const all = [
    ...configured,
    ...offered.routes.map((route) => ({
      ...route,
      twinOf: undefined,
      key: undefined,
      headers: {},
      allowPrivateNetwork: true,
      timeouts: timeoutsSchema.parse({}),
    })),
  ];
  const withDialect = all.map((route) => ({ ...route, dialect: dialectNamed(route.dialect) }));
  const routes = new Map(
    withDialect
      .filter(({ twinOf }) => twinOf === undefined)
      .map((route) => {
        const twins = withDialect.filter(({ twinOf }) => twinOf === route.name);
        return [route.name, twins.length > 0 ? { ...route, twins } : route];
      }),
  );
  const routeNamed = (alias: string, name: string) => {
    const route = routes.get(name);
    if (!route) throw new GatewayError("unknown_route", `model ${alias}: no such route: ${name}`);
    return route;
  };
  const models = [
    ...Object.entries(config.models).map(([alias, model]) => ({ ...model, alias })),
    ...offered.models,
  ].map((model): Model => {
    const { alias } = model;
    const plain = {
      alias,
      route: routeNamed(alias, model.route),
      upstreamModel: model.model,
      name: model.name ?? alias,
      defaults: "defaults" in model ? model.defaults : {},
      price: model.price,
      contextWindow: model.contextWindow,
    };
    const fallback = "fallback" in model ? model.fallback : undefined;
    if (!fallback) return plain;
    const targets = fallback.targets.map(({ route: name, model: upstreamModel, price, defaults, weight, limits }) => {
      const route = routeNamed(alias, name);
      const there = { ...plain, route, upstreamModel, price, defaults: defaults ?? plain.defaults };
      return { route, model: there, weight, limits };
    });
    return { ...plain, fallback: { ...fallback, targets } };
  });
  return {
    routing: new Routing([...routes.values()], models, config.defaultModel),
    upstreamRoutes: all.map((route) => ({
      ...route,
      allowHeaders: [
        ...Object.keys(route.headers),
        ...("keyHeader" in route && route.keyHeader ? [route.keyHeader] : []),
        ...("sessionHeader" in route && route.sessionHeader ? [route.sessionHeader] : []),
      ],
    })),
  };
}

/** One name for each of a route's keys. The first is the route's own. */
const keyNames = (name: string, keys: readonly unknown[] = [undefined]): readonly string[] =>
  keys.map((_, index) => (index === 0 ? name : `${name}#${index + 1}`));

/** Never the path of a file: chat users read it. */
function keyOrigin(name: string, key: Secret | undefined): string {
  const field = `routes.${name}.key`;
  return key === undefined ? `${field} is not set` : `from ${key.variable ?? field}`;
}

/** A route's proxy and client certificate, with their secrets. */
function wayOut({ proxy, clientCertificate }: Config["routes"][string]) {
  return {
    proxy: proxy === "none" ? undefined : proxy && { url: proxy.url, credentials: proxy.credentials?.reveal() },
    clientCertificate: clientCertificate && { ...clientCertificate, key: clientCertificate.key.reveal() },
  };
}

function dialectNamed(name: string) {
  const dialect = dialects.get(name);
  if (!dialect) throw new GatewayError("internal", `no such dialect: ${name}`);
  return dialect;
}
