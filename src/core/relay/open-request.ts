import type { Caller } from "../caller/caller.ts";
import type { Dialect } from "../dialect/dialect.ts";
import type { Route, Target } from "../dialect/routing.ts";
import { asString, type JsonObject } from "../kernel/json.ts";
import type { Amendment, MayRetry, UpstreamRequest } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";

/** A request to open a stream, as faces make it. */
export interface OpenRequest {
  /** The stream's id, where others were told it before the open; by default a new one. */
  readonly id?: string | undefined;
  readonly target: Target;
  /** The request body in the provider's own format. */
  readonly body: JsonObject;
  /**
   * The same request for a target of another dialect, for faces that read answers in any. Without it only targets of the
   * first one's dialect are tried. Throws `unsupported` for what the dialect cannot carry.
   */
  readonly bodyFor?: ((dialect: Dialect) => JsonObject) | undefined;
  /** The stream's readers must be told the dialect of its events. */
  readonly tellsDialect?: boolean | undefined;
  /** A single JSON value is requested, not a stream. */
  readonly unary?: boolean | undefined;
  /** The prompt does not count: a side call uses only what its response reports. */
  readonly isUncounted?: boolean | undefined;
  /** Headers that change the provider's behaviour. Never contains keys. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly caller: Caller;
  /** The caller's own upstream key, replacing the route's. */
  readonly upstreamKey?: string | undefined;
  /** The OpenClaw session, if any. */
  readonly session?: string | undefined;
  /** Whether the upstream call may be repeated before the first byte of its response. */
  readonly mayRetry: MayRetry;
  readonly face: string;
  readonly connection: string | undefined;
  /** Clock reading when the request arrived, in milliseconds. */
  readonly receivedAt: number;
  /** The face has called `Relay.admit` already. */
  readonly isAdmitted?: boolean | undefined;
}

/** The same request to another target. Throws what `bodyFor` throws. */
export function onTarget(request: OpenRequest, target: Target): OpenRequest {
  const { dialect } = target.route;
  if (dialect === request.target.route.dialect) return { ...request, target };
  return { ...request, target, body: request.bodyFor?.(dialect) ?? request.body };
}

/** The caller's body, on top of the model's defaults. */
export const askedBody = ({ target, body }: OpenRequest): JsonObject => ({ ...target.model?.defaults, ...body });

/** The provider's own name of the model that is asked, if it is known. */
export const upstreamModelOf = ({ target, body }: Pick<OpenRequest, "target" | "body">): string | undefined =>
  target.model?.upstreamModel ?? asString(body.model);

/** The caller's body prepared for the provider. `includeUsage`: a stream is also asked for its usage. */
export function providerBody({ target, unary }: OpenRequest, asked: JsonObject, includeUsage: boolean): JsonObject {
  const { route, model } = target;
  return route.dialect.body({ body: asked, model: model?.upstreamModel, unary, includeUsage });
}

/** The upstream request with this body. */
function upstreamRequest(request: OpenRequest, body: JsonObject, amendment: Amendment | undefined): UpstreamRequest {
  const { target, upstreamKey, headers, unary, mayRetry } = request;
  const { route } = target;
  const model = upstreamModelOf(request);
  return {
    route: route.name,
    path: route.dialect.address(undefined, { model, unary }).path,
    headers: { ...routeHeaders(route, upstreamKey), ...headers },
    body: JSON.stringify(body),
    model,
    isOwnKey: upstreamKey !== undefined,
    unary,
    amendment,
    mayRetry,
  };
}

/**
 * Makes an attempt's upstream request within its output limit: now, throwing what the dialect throws; or when it is called, if
 * the limit is not decided yet.
 */
export function requestMaker(
  request: OpenRequest,
  body: JsonObject,
  amendment: Amendment | undefined,
  reservation: Reservation | undefined,
): () => UpstreamRequest {
  const make = () => {
    const limit = reservation?.maxOutputTokens;
    const limited = limit === undefined ? body : request.target.route.dialect.limited(body, limit);
    return upstreamRequest(request, limited, amendment);
  };
  if (reservation?.opening !== undefined) return make;
  const made = make();
  return () => made;
}

/** The headers that a route's requests have: configured ones, those of its dialect, and the key. */
export function routeHeaders(route: Route, upstreamKey: string | undefined): Readonly<Record<string, string>> {
  const { dialect, keyHeader } = route;
  const key = upstreamKey ?? route.key;
  const { headers } = dialect.address(keyHeader === undefined ? key : undefined);
  return { ...route.headers, ...headers, ...keyIn(keyHeader, key) };
}

const keyIn = (header: string | undefined, key: string | undefined): Readonly<Record<string, string>> =>
  header === undefined || key === undefined ? {} : { [header]: header === "authorization" ? `Bearer ${key}` : key };
