import { timeoutsSchema } from "../config/route-schema.ts";
import type { Config } from "../config/schema.ts";
import type { Secret } from "../config/secret.ts";
import { Routing } from "../core/dialect/routing.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { type DemoUpstream, demoRoutes } from "../demo/demo-upstream.ts";
import { dialects } from "../dialects/registry.ts";

/** The routes and models of the configuration and the demo upstream, for the core's routing and for the upstream client. */
export function connectRoutes(config: Config, demo: DemoUpstream | undefined) {
  const offered = demo ? demoRoutes(demo.url) : { routes: [], models: [] };
  const configured = Object.entries(config.routes).map(([name, route]) => ({
    ...route,
    name,
    key: route.key?.reveal(),
    keyOrigin: keyOrigin(name, route.key),
    headers: Object.fromEntries(Object.entries(route.headers).map(([header, value]) => [header, value.reveal()])),
    ...wayOut(route),
  }));
  const all = [
    ...configured,
    ...offered.routes.map((route) => ({
      ...route,
      key: undefined,
      headers: {},
      allowPrivateNetwork: true,
      timeouts: timeoutsSchema.parse({}),
    })),
  ];
  const routes = new Map(all.map((route) => [route.name, { ...route, dialect: dialectNamed(route.dialect) }]));
  const models = [
    ...Object.entries(config.models).map(([alias, model]) => ({ ...model, alias })),
    ...offered.models,
  ].map((model) => {
    const route = routes.get(model.route);
    if (!route) throw new GatewayError("unknown_route", `model ${model.alias}: no such route: ${model.route}`);
    return {
      alias: model.alias,
      route,
      upstreamModel: model.model,
      name: model.name ?? model.alias,
      defaults: "defaults" in model ? model.defaults : {},
      price: model.price,
      contextWindow: model.contextWindow,
    };
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
