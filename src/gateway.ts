import { randomUUID } from "node:crypto";
import { getHeapStatistics } from "node:v8";
import { STREAM_PATH, STREAM_SUBPROTOCOL } from "../protocol/stream.ts";
import type { Config } from "./config/schema.ts";
import { LogBudget } from "./core/budget.ts";
import { GatewayError } from "./core/errors.ts";
import type { Clock } from "./core/ports.ts";
import { Relay } from "./core/relay.ts";
import { Routing } from "./core/routing.ts";
import { Shelf } from "./core/shelf.ts";
import { type DemoUpstream, demoRoutes, startDemoUpstream } from "./demo/demo-upstream.ts";
import { dialects } from "./dialects/registry.ts";
import { createOpenClawFace } from "./faces/openclaw/face.ts";
import { createStreamFace } from "./faces/stream/face.ts";
import { createLog, type LogOptions } from "./observe/log.ts";
import { createStartPage } from "./page/start-page.ts";
import { createMemoryTranscripts } from "./storage/memory-transcripts.ts";
import { openSqliteTranscripts } from "./storage/sqlite-transcripts.ts";
import { createAuthenticator } from "./transport/authenticator.ts";
import { tokenOf } from "./transport/credentials.ts";
import { startServer } from "./transport/server.ts";
import { createUpstream } from "./upstream/upstream.ts";

export interface GatewayOptions {
  readonly version: string;
  /** Where log lines go; standard output unless a test wants them. */
  readonly logTo?: LogOptions["target"];
}

export interface Gateway {
  /** `http://host:port` as it is bound. */
  readonly url: string;
  /** Stops accepting, ends every stream, settles what must be written, and closes. */
  close(): Promise<void>;
}

/** What is remembered at once, oldest forgotten first: some hundred bytes each. */
const IDEMPOTENCY_KEYS = 10_000;
const REMEMBERED_IDS = 10_000;
/** How exactly grace, retention and pauses are kept. */
const SWEEP_MS = 1_000;

const clock: Clock = { now: () => performance.now(), wall: () => Date.now() };
const newId = (): string => randomUUID();

/**
 * Builds the gateway out of its rooms and starts it: the only place where concrete parts meet. Rejects when the address
 * cannot be bound or the store cannot be opened.
 */
export async function createGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const startedAt = clock.now();
  const { version } = options;
  const { limits } = config;
  // What was started last is stopped first, also when the start fails half-way.
  await using started = new AsyncDisposableStack();

  let listening = false;
  const log = started.adopt(createLog(logOptions(config, options)), (part) => {
    if (listening) part.stopped({ reason: "asked to", uptimeMs: clock.now() - startedAt });
    return part.close();
  });
  const transcripts = started.adopt(await openTranscripts(config), (part) => part.close());
  const demo = config.demo ? started.adopt(await startDemoUpstream(), (part) => part.close()) : undefined;
  const { routing, upstreamRoutes } = connectRoutes(config, demo);
  const upstream = started.adopt(
    createUpstream({
      routes: upstreamRoutes,
      version,
      clock,
      maxEventBytes: limits.eventBytes,
      maxErrorBodyBytes: limits.errorBodyBytes,
    }),
    (part) => part.close(),
  );
  const budget = new LogBudget(limits.totalLogBytes || Math.floor(getHeapStatistics().heap_size_limit / 4));
  const shelf = new Shelf({ ...limits, rememberedIds: REMEMBERED_IDS }, budget, clock.now);
  const sweep = setInterval(() => shelf.sweep(clock.now()), SWEEP_MS);
  started.defer(() => clearInterval(sweep));
  const relay = new Relay({
    upstream,
    observer: log.observer,
    clock,
    newId,
    log: { maxBytes: limits.logBytes, maxEntries: limits.logEntries },
    openStreams: limits.openStreams,
    budget,
    admit: () => shelf.admit(),
  });
  const authenticator = createAuthenticator({
    token: config.auth.token?.reveal(),
    failuresPerMinute: limits.authFailuresPerMinute,
    lockoutMs: limits.authLockoutMs,
    clock,
  });
  const streamFace = started.adopt(
    createStreamFace({
      relay,
      routing,
      shelf,
      clock,
      limits: { ...limits, frameBytes: limits.streamFrameBytes, idempotencyKeys: IDEMPOTENCY_KEYS },
    }),
    (part) => part.close(),
  );
  const openClawFace = started.adopt(
    await createOpenClawFace({
      relay,
      routing,
      transcripts,
      authenticator,
      observer: log.observer,
      clock,
      newId,
      version,
      settings: { ...config.openclaw, maxFrameBytes: limits.openclawFrameBytes },
    }),
    (part) => part.close(),
  );
  const server = await startServer({
    host: config.listen.host,
    port: config.listen.port,
    faces: [
      { path: "/", face: openClawFace },
      { path: STREAM_PATH, subprotocol: STREAM_SUBPROTOCOL, face: streamFace },
    ],
    page: createStartPage({
      version,
      authorised: (headers, address) => authenticator.authenticate(tokenOf(headers), address) !== undefined,
      info: () => ({
        version,
        uptimeS: Math.floor((clock.now() - startedAt) / 1000),
        authRequired: authenticator.required,
        demo: demo !== undefined,
        models: routing.models.map(({ alias, name, route }) => ({
          alias,
          name,
          route: route.name,
          dialect: route.dialect.name,
        })),
      }),
    }),
    authenticator,
    origins: { allowedOrigins: config.allowedOrigins, allowedHosts: [...config.allowedHosts, config.listen.host] },
    limits,
    clock,
    observer: log.observer,
    newId,
  });
  started.adopt(server, (part) => part.close());
  started.defer(async () => {
    server.drain();
    await within(limits.drainMs, relay.drain());
    relay.stop(new GatewayError("shutting_down"));
  });

  log.started({
    version,
    url: server.url,
    authRequired: authenticator.required,
    demo: demo !== undefined,
    routes: upstreamRoutes.map(({ name }) => name),
    models: routing.models.map(({ alias }) => alias),
  });
  listening = true;
  const parts = started.move();
  return { url: server.url, close: () => parts.disposeAsync() };
}

/** Waits for work, but no longer than so many milliseconds. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

function logOptions(config: Config, options: GatewayOptions): LogOptions {
  const pretty = config.log.pretty === true;
  return { level: config.log.level, pretty, colour: pretty, clock, ...(options.logTo && { target: options.logTo }) };
}

const openTranscripts = (config: Config) =>
  config.data.store === "memory" ? createMemoryTranscripts() : openSqliteTranscripts(config.data);

/** Routes and models of the configuration and of the demo upstream: what the core names, and what the upstream calls. */
function connectRoutes(config: Config, demo: DemoUpstream | undefined) {
  const offered = demo ? demoRoutes(demo.url) : { routes: [], models: [] };
  const configured = Object.entries(config.routes).map(([name, route]) => ({
    ...route,
    name,
    key: route.key?.reveal(),
    headers: Object.fromEntries(Object.entries(route.headers).map(([header, value]) => [header, value.reveal()])),
  }));
  const all = [
    ...configured,
    ...offered.routes.map((route) => ({ ...route, key: undefined, headers: {}, allowPrivateNetwork: true })),
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
      // How long a stream may be held back is the shelf's business: it knows whether anybody reads.
      timeouts: { ...("timeouts" in route && route.timeouts), pausedMs: Number.POSITIVE_INFINITY },
      allowHeaders: Object.keys(route.headers),
    })),
  };
}

function dialectNamed(name: string) {
  const dialect = dialects.get(name);
  if (!dialect) throw new GatewayError("internal", `no such dialect: ${name}`);
  return dialect;
}
