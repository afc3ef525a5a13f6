import type * as z from "zod";
import type { PassThroughPattern } from "../core/dialect/pass-through-pattern.ts";
import { isLoopback, isWildcard } from "./addresses/loopback.ts";
import { ambiguities } from "./routes/pass-through.ts";
import type { Secret } from "./secret.ts";

interface CheckedRedis {
  readonly url: Secret;
  readonly moneyUrl?: Secret | undefined;
  readonly caFile?: string | undefined;
}

interface NodeListen {
  readonly host: string;
  readonly address?: string | undefined;
}

/** The fields these checks read. */
interface Checked {
  readonly listen: { readonly host: string };
  readonly auth: { readonly token?: Secret | undefined; readonly required: boolean };
  readonly allowedHosts: readonly string[];
  readonly data: {
    readonly store: string;
    readonly shared: boolean;
    readonly postgres?: { readonly url: Secret } | undefined;
  };
  readonly cluster: {
    readonly redis?: CheckedRedis | undefined;
    readonly workers: number | "auto";
    readonly listen: NodeListen;
  };
  readonly limits: { readonly connections: number; readonly openStreams: number };
  readonly metrics: { readonly listen?: { readonly host: string } | undefined };
  readonly demo: boolean;
  readonly routes: Readonly<
    Record<
      string,
      {
        readonly dialect: string;
        readonly baseUrl: string;
        readonly key?: Secret | undefined;
        readonly keys?: readonly Secret[] | undefined;
        readonly maxConnections: number;
        readonly sessionHeader?: string | undefined;
        readonly keepsHistory: boolean;
        readonly passThrough: readonly PassThroughPattern[];
      }
    >
  >;
  readonly models: Readonly<
    Record<
      string,
      {
        readonly route: string;
        readonly fallback?: { readonly targets: readonly { readonly route: string }[] } | undefined;
      }
    >
  >;
  readonly defaultModel?: string | undefined;
}

/** The demo upstream adds routes and models whose names begin with `demo`. */
const isDemo = (config: Checked, name: string) => config.demo && /^demo\b/.test(name);

const list = (names: readonly string[]) => (names.length > 0 ? `one of ${names.join(", ")}` : "one that is configured");

/**
 * Shorter tokens can be guessed; 16 random characters cannot. The lockout alone does not prevent it: it admits correct
 * credentials even from a locked-out address.
 */
const SHORT_TOKEN = 16;

const isShort = (token: Secret | undefined): boolean => token !== undefined && token.reveal().length < SHORT_TOKEN;

/** Adds a problem for each broken rule between fields; any problem prevents the start. */
export function crossCheck(config: Checked, context: z.core.$RefinementCtx<Checked>): void {
  const problem = (path: readonly string[], found: string, expected: string) =>
    context.addIssue({ code: "custom", path: [...path], params: { found, expected } });
  const { host } = config.listen;
  if (!isLoopback(host) && !config.auth.token && !config.auth.required) {
    problem(
      ["listen", "host"],
      `${host} with no token, open to everyone who can reach it`,
      "auth.token (or SLUICE_TOKEN) to be set, auth.required with gateway keys, or a loopback host such as 127.0.0.1",
    );
  }
  if (!isLoopback(host) && isShort(config.auth.token)) {
    problem(
      ["auth", "token"],
      `fewer than ${SHORT_TOKEN} characters while listening on ${host}, where it can be guessed`,
      "a long random token, such as openssl rand -hex 32 prints",
    );
  }
  for (const [name, { sessionHeader, keepsHistory }] of Object.entries(config.routes)) {
    if (!keepsHistory || sessionHeader !== undefined) continue;
    const expected = "a sessionHeader beside it, by which the upstream knows the conversation";
    problem(["routes", name, "keepsHistory"], "true without a sessionHeader", expected);
  }
  const routes = Object.keys(config.routes);
  const models = Object.keys(config.models);
  for (const [alias, { route, fallback }] of Object.entries(config.models)) {
    const named = fallback?.targets ?? [{ route }];
    for (const [index, target] of named.entries()) {
      if (routes.includes(target.route) || isDemo(config, target.route)) continue;
      const path = fallback ? ["models", alias, "targets", String(index), "route"] : ["models", alias, "route"];
      problem(path, `"${target.route}", which is not a route`, list(routes));
    }
    const remembers = named.find((target) => config.routes[target.route]?.keepsHistory);
    if (!fallback || named.length === 1 || !remembers) continue;
    const expected = "targets that are sent the whole conversation";
    problem(["models", alias, "targets"], `"${remembers.route}", a route that keepsHistory`, expected);
  }
  for (const [name, { key, keys }] of Object.entries(config.routes)) {
    if (key && keys) problem(["routes", name, "keys"], "keys beside key", "either one key or several keys");
  }
  for (const { route, index, text, other } of ambiguities(config.routes)) {
    const found = `"${text}", which routes.${other} lists too`;
    problem(["routes", route, "passThrough", String(index)], found, "a GET or DELETE that one route lists");
  }
  if (models.length === 0 && !config.demo) problem(["models"], "no model", "at least one, or demo: true");
  const { data, cluster } = config;
  const { caFile, url, moneyUrl } = cluster.redis ?? {};
  if (caFile !== undefined && ![url, moneyUrl].some((each) => each?.reveal().startsWith("rediss:"))) {
    problem(["cluster", "redis", "caFile"], "a file, while no URL begins with rediss", "rediss, or no caFile");
  }
  if (cluster.redis && data.store === "memory") {
    problem(["data", "store"], "memory, which no other node can read", "postgres, because cluster.redis is set");
  }
  if (cluster.redis && data.store === "sqlite" && !data.shared) {
    const expected = "data.store to be postgres, or true if all nodes run on this machine";
    problem(["data", "shared"], "false, while cluster.redis is set and data.store is sqlite", expected);
  }
  if (cluster.workers !== 1 && !cluster.redis) {
    problem(
      ["cluster", "workers"],
      `${cluster.workers} without cluster.redis, by which workers know of each other`,
      "1, or a Redis in cluster.redis (docs/cluster.md)",
    );
  }
  const { host: nodeHost, address } = cluster.listen;
  if (cluster.redis && isWildcard(address ?? nodeHost)) {
    const found = `${address ?? nodeHost}, which leads other nodes to themselves`;
    problem(["cluster", "listen", "address"], found, "the address by which other nodes reach this machine");
  }
  if (config.data.store === "postgres" && !config.data.postgres) {
    problem(["data", "postgres"], "nothing, while data.store is postgres", "the database's url");
  }
  const { defaultModel } = config;
  if (defaultModel !== undefined && !models.includes(defaultModel) && !isDemo(config, defaultModel)) {
    problem(["defaultModel"], `"${defaultModel}", which is not a model`, list(models));
  }
}

/** What is allowed but probably a mistake, one line each. */
export function warningsOf(config: Checked): readonly string[] {
  const warnings: string[] = [];
  for (const [alias, { route }] of Object.entries(config.models)) {
    if (config.routes[route]?.dialect === "plain-sse") {
      warnings.push(`models.${alias}: plain-sse relays events unchanged; chat clients cannot use this model`);
    }
  }
  for (const [name, { baseUrl, key }] of Object.entries(config.routes)) {
    const url = URL.parse(baseUrl);
    if (key && url?.protocol === "http:" && !isLoopback(url.hostname)) {
      warnings.push(`routes.${name}: its key crosses the network unencrypted; use https`);
    }
  }
  for (const name of ["url", "moneyUrl"] as const) {
    const url = URL.parse(config.cluster.redis?.[name]?.reveal() ?? "");
    // A name without a dot is one of a network of the machine's own, such as compose's, or Kubernetes'.
    if (url?.protocol === "redis:" && !isLoopback(url.hostname) && /[.:]/.test(url.hostname)) {
      warnings.push(`cluster.redis.${name}: prompts and answers cross the network unencrypted; use rediss`);
    }
  }
  const remote = remoteEngineOf(config);
  const { host: nodeHost, address = nodeHost } = config.cluster.listen;
  if (remote !== undefined && isLoopback(address)) {
    warnings.push(
      `cluster.listen: nodes on other machines, which ${remote} allows for, cannot reach ${address}; set the address of a private network`,
    );
  }
  if (config.cluster.redis && isLoopback(nodeHost) && !isLoopback(address)) {
    warnings.push(
      `cluster.listen.host: ${nodeHost} is reached from this machine alone, while other nodes are sent to ${address}; set a private network's address, unless a tunnel leads from there`,
    );
  }
  if (isShort(config.auth.token)) {
    warnings.push(`auth.token: shorter than ${SHORT_TOKEN} characters; use a long random one`);
  }
  if (config.auth.required && !config.auth.token && config.data.store === "memory") {
    warnings.push("auth.required: no client can connect; there is no token, and a store in memory has no gateway keys");
  }
  if (isWildcard(config.listen.host) && config.allowedHosts.length === 0) {
    warnings.push("allowedHosts: empty, so only requests to loopback names are accepted; add the names clients use");
  }
  const { host = "127.0.0.1" } = config.metrics.listen ?? {};
  if (!isLoopback(host)) {
    warnings.push(`metrics.listen.host: everyone who reaches ${host} can read the metrics; no token is required there`);
  }
  return warnings;
}

/**
 * A line when the limits allow more sockets than there may be: a client takes one, and each stream one to its upstream.
 * `usableFiles` is how many files may be open before new connections are refused.
 */
export function openFilesWarning(
  { limits: { connections, openStreams }, routes, demo }: Checked,
  usableFiles: number,
): string | undefined {
  const upstreamSockets = Object.values(routes).reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  const sockets = connections + (demo ? openStreams : Math.min(openStreams, upstreamSockets));
  if (sockets <= usableFiles) return undefined;
  return `limits: connections and openStreams allow ${sockets} sockets, but new ones are refused at ${usableFiles} open files; raise the system's limit (ulimit -n, LimitNOFILE) or lower them`;
}

/** The setting of a cluster's engine that is on another machine, where other nodes may be, too. */
function remoteEngineOf({ cluster: { redis }, data }: Checked): string | undefined {
  if (!redis) return undefined;
  const engines = {
    "cluster.redis.url": redis.url,
    "data.postgres.url": data.store === "postgres" ? data.postgres?.url : undefined,
  };
  const isRemote = (url: Secret | undefined) => {
    const host = URL.parse(url?.reveal() ?? "")?.hostname ?? "";
    return host !== "" && !isLoopback(host);
  };
  return Object.entries(engines).find(([, url]) => isRemote(url))?.[0];
}
