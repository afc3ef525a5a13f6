import type { Caller } from "../caller/caller.ts";
import type { PassPattern } from "../dialect/pass-pattern.ts";
import type { Route, Target } from "../dialect/routing.ts";
import type { PassBody, PassRequest } from "../ports/passage.ts";
import { routeHeaders } from "../relay/open-request.ts";

/** A request that is to be passed on, as a face makes it. */
export interface PassageRequest {
  readonly caller: Caller;
  /** Its model is the one that the body names, if it names one. */
  readonly target: Target;
  /** The pattern of its path. */
  readonly pattern: PassPattern;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  /** The client's headers that are passed on. Never contains keys. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: PassBody;
  /** The caller's own upstream key, replacing the route's. */
  readonly upstreamKey: string | undefined;
  readonly maxResponseBytes: number;
  readonly face: string;
  readonly connection: string;
  /** Clock reading when the request arrived, in milliseconds. */
  readonly receivedAt: number;
}

/** The upstream request. */
export function upstreamRequest(request: PassageRequest): PassRequest {
  const { target, pattern, path, query, headers, body, upstreamKey, maxResponseBytes } = request;
  const { route, model } = target;
  return {
    route: route.name,
    method: pattern.method,
    path: upstreamPath(route, path),
    query,
    headers: { ...headers, ...routeHeaders(route, upstreamKey), ...switchesOf(headers) },
    body,
    model: model?.upstreamModel,
    isOwnKey: upstreamKey !== undefined,
    maxResponseBytes,
  };
}

/**
 * A path below `/v1` as it stands below the route's base URL. The dialects of OpenAI's family have the version in their base
 * URLs, others in their paths.
 */
export function upstreamPath({ dialect }: Route, path: string): string {
  return dialect.address(undefined).path.startsWith("/v1/") ? path : path.slice("/v1".length);
}

/** The vendors' switches among a client's headers, which go before the dialect's defaults. */
const switchesOf = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("anthropic-")));
