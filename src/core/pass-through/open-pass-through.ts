import type { Caller } from "../caller/caller.ts";
import type { PassThroughPattern } from "../dialect/pass-through-pattern.ts";
import type { Route, Target } from "../dialect/routing.ts";
import type { PassThroughRequest } from "../ports/pass-through.ts";
import { routeHeaders } from "../relay/open-request.ts";

/** A request to pass through, as a face makes it. Its `headers` are the client's, and never contain keys. */
export interface OpenPassThrough
  extends Pick<PassThroughRequest, "path" | "query" | "headers" | "body" | "maxResponseBytes"> {
  readonly caller: Caller;
  /** Its model is the one that the body names, if it names one. */
  readonly target: Target;
  /** The entry of `passThrough` that its path fits. */
  readonly pattern: PassThroughPattern;
  /** The caller's own upstream key, replacing the route's. */
  readonly upstreamKey: string | undefined;
  readonly face: string;
  readonly connection: string;
  /** Clock reading when the request arrived, in milliseconds. */
  readonly receivedAt: number;
}

/** The upstream request. */
export function upstreamRequest(request: OpenPassThrough): PassThroughRequest {
  const { target, pattern, path, query, headers, body, upstreamKey, maxResponseBytes } = request;
  const { route, model } = target;
  return {
    route: route.name,
    method: pattern.method,
    path: upstreamPath(route, path),
    query,
    headers: { ...headers, ...routeHeaders(route, upstreamKey), ...anthropicHeaders(headers) },
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

/** The client's `anthropic-version` and `anthropic-beta`, which go before the dialect's defaults. */
const anthropicHeaders = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("anthropic-")));
