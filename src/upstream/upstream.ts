import type { SecureContext } from "node:tls";
import type { Clock } from "../core/kernel/clock.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { Observer } from "../core/ports/observer.ts";
import { NO_PASS_THROUGH, type PassThroughPort } from "../core/ports/pass-through.ts";
import { NO_CALL, type UpstreamPort } from "../core/ports/upstream.ts";
import type { ReadTurn } from "../core/stream/read-turn.ts";
import { Breaker, type BreakerSettings, DEFAULT_BREAKER } from "./call/breaker.ts";
import { Call } from "./call/call.ts";
import { FIXED_TIMEOUTS, type RouteTimeouts, type Timeouts } from "./call/deadlines.ts";
import type { SharedMemory } from "./call/held-bytes.ts";
import { KeyRefusals } from "./call/key-refusals.ts";
import { DEFAULT_RETRY, Retries, type RetrySettings } from "./call/retry.ts";
import type { RouteClient } from "./call/route-client.ts";
import { tellLast } from "./call/tell-last.ts";
import { type ConnectionOptions, Connections } from "./http1/connections.ts";
import { ReadPace } from "./http1/read-pace.ts";
import { HttpPassThroughCall } from "./pass-through/pass-through-call.ts";
import type { PrivateNetworks } from "./policy/address-guard.ts";
import { passThroughHeaders, requestHeaders } from "./policy/headers.ts";
import { requestPath } from "./policy/request-path.ts";
import { RunningTime, type Timers } from "./policy/running-time.ts";
import { type TlsSettings, trust } from "./policy/trust.ts";

/** A route: its address and settings. Optional ones have defaults. */
export interface UpstreamRoute extends TlsSettings {
  readonly name: string;
  /** Where its key is configured, as people are told when it is refused: `from OPENAI_API_KEY`. */
  readonly keyOrigin?: string | undefined;
  /** An http or https URL with the path that all requests share. */
  readonly baseUrl: string;
  readonly timeouts: RouteTimeouts & Partial<Timeouts>;
  /** Sockets open at once; each call needs one and waits at most `connectMs` for it. Unlimited by default. */
  readonly maxConnections?: number;
  /** Malformed UTF-8 fails the call instead of being replaced. */
  readonly strictUtf8?: boolean;
  /** Whether failed calls may be retried if their requests allow it; true by default. */
  readonly retry?: boolean;
  /** Which addresses outside the public internet may be called; none by default. */
  readonly allowPrivateNetwork?: PrivateNetworks;
  /** How long to keep an idle connection if the upstream does not say how long it keeps it, in milliseconds; 4 s by default. */
  readonly keepAliveMs?: number;
  /** Query parameters of every request. */
  readonly query?: Readonly<Record<string, string>>;
  /** Relays a unary JSON answer as the only event. */
  readonly jsonAnswer?: boolean;
  /** Names of the route's configured request headers, allowed besides those every dialect may set. */
  readonly allowHeaders?: readonly string[];
  /** The HTTP proxy that leads to it. Behind one, the proxy resolves the upstream's name. `credentials`: `user:password`. */
  readonly proxy?: { readonly url: string; readonly credentials?: string | undefined } | undefined;
}

/** Less than the five seconds for which servers commonly keep an idle connection. */
const DEFAULT_KEEP_ALIVE_MS = 4_000;

/** Routes and limits of the upstream client. Times in milliseconds, sizes in bytes. */
export interface UpstreamOptions {
  readonly routes: readonly UpstreamRoute[];
  /** The gateway's version, for the user agent. */
  readonly version: string;
  readonly clock: Clock;
  /** The platform's by default. */
  readonly timers?: Timers;
  /** Notified of exceptions that a sink throws in its final call. */
  readonly observer: Pick<Observer, "fault">;
  /** Notified of each read of an upstream's socket, so that its events can be written together after it. */
  readonly reads: ReadTurn;
  /** Limit for one event, and for a unary answer. */
  readonly maxEventBytes: number;
  /** How much of an error's body is read. */
  readonly maxErrorBodyBytes: number;
  /** The budget for incomplete events; unlimited if left out. */
  readonly memory?: SharedMemory;
  readonly retry?: Partial<RetrySettings>;
  readonly breaker?: Partial<BreakerSettings>;
  /** Random numbers in [0, 1), for the jitter of retries. */
  readonly random?: () => number;
}

/** Calls the configured routes over connections of its own. */
export interface Upstream extends UpstreamPort, PassThroughPort {
  /**
   * Prepares other routes, and returns what puts them into effect. A route that is the same object as before keeps its
   * connections and what is known of its upstream. Running calls end on the route that they began with. Throws for
   * certificates that cannot be used, and changes nothing then.
   */
  prepare(routes: readonly UpstreamRoute[]): () => void;
  /** Closes every connection now; running calls fail with `shutting_down`. */
  close(): Promise<void>;
}

/** A route and its client. */
interface Opened {
  readonly route: UpstreamRoute;
  readonly client: RouteClient;
}

/** Creates the client of the routes' upstreams. Each route has its own connections, retry budget and breaker. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { observer } = options;
  const time = new RunningTime(options.clock, options.timers);
  const pace = new ReadPace(() => time.now());
  let platformTrust: SecureContext | undefined;
  const trustOf = (tls: TlsSettings) => {
    if (tls.ca !== undefined || tls.clientCertificate || (tls.tlsMinVersion ?? "TLSv1.2") !== "TLSv1.2")
      return trust(tls);
    platformTrust ??= trust();
    return platformTrust;
  };
  const opened = (route: UpstreamRoute): Opened => ({
    route,
    client: openRoute(route, options, { time, pace, trustOf }),
  });
  let current = new Map(options.routes.map((route) => [route.name, opened(route)]));
  /** Routes that no new call takes, until their last socket has closed. */
  const retired = new Set<RouteClient>();
  return {
    call(request, sink) {
      const found = current.get(request.route);
      if (found) return new Call(found.client, request, sink);
      const unknown = new GatewayError("unknown_route", `no such route: ${request.route}`);
      queueMicrotask(() => tellLast(sink, observer, unknown));
      return NO_CALL;
    },
    passThrough(request, sink) {
      const found = current.get(request.route);
      if (found) return new HttpPassThroughCall(found.client, request, sink);
      const unknown = new GatewayError("unknown_route", `no such route: ${request.route}`);
      queueMicrotask(() => tellLast(sink, observer, unknown));
      return NO_PASS_THROUGH;
    },
    prepare(routes) {
      const next = new Map(
        routes.map((route) => {
          const before = current.get(route.name);
          return [route.name, before?.route === route ? before : opened(route)];
        }),
      );
      return () => {
        const kept = new Set(next.values());
        for (const { client } of [...current.values()].filter((old) => !kept.has(old))) {
          retired.add(client);
          client.connections.retire(() => retired.delete(client));
        }
        current = next;
      };
    },
    async close() {
      time.stop();
      const clients = [...[...current.values()].map(({ client }) => client), ...retired];
      await Promise.all(clients.map(({ connections }) => connections.destroy()));
    },
  };
}

function openRoute(
  route: UpstreamRoute,
  options: UpstreamOptions,
  { time, pace, trustOf }: Pick<ConnectionOptions, "time" | "pace"> & { trustOf(tls: TlsSettings): SecureContext },
): RouteClient {
  const base = new URL(route.baseUrl);
  const timeouts = { ...FIXED_TIMEOUTS, ...route.timeouts };
  const userAgent = `sluice/${options.version}`;
  const allowed = new Set(route.allowHeaders?.map((name) => name.toLowerCase()));
  return {
    connections: new Connections({
      route: route.name,
      origin: base.origin,
      maxConnections: route.maxConnections,
      connectMs: timeouts.connectMs,
      allowPrivateNetwork: route.allowPrivateNetwork ?? false,
      keepAliveMs: route.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
      trust: () => trustOf(route),
      // The proxy is told nothing that is for the upstream.
      proxy: route.proxy && { ...route.proxy, trust: () => trustOf({ ca: route.ca }) },
      time,
      reads: options.reads,
      pace,
    }),
    breaker: new Breaker({ ...DEFAULT_BREAKER, ...options.breaker }, () => options.clock.now()),
    keyRefusals: new KeyRefusals(route, () => options.clock.now()),
    retries: new Retries({ ...DEFAULT_RETRY, ...options.retry }, options.random ?? Math.random),
    timeouts,
    maxEventBytes: options.maxEventBytes,
    maxErrorBodyBytes: options.maxErrorBodyBytes,
    memory: options.memory ?? { take: () => true, shrink() {} },
    strictUtf8: route.strictUtf8 ?? false,
    retry: route.retry ?? true,
    jsonAnswer: route.jsonAnswer ?? false,
    time,
    observer: options.observer,
    path: requestPath(base, route.query),
    headers: (given, accept) => requestHeaders(given, userAgent, allowed, accept),
    passThroughHeaders: (given) => passThroughHeaders(given, userAgent, allowed),
  };
}
