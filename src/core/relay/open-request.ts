import type { Caller } from "../caller/caller.ts";
import type { Target } from "../dialect/routing.ts";
import { asString, type JsonObject } from "../kernel/json.ts";
import type { Amendment, MayRetry, UpstreamRequest } from "../ports/upstream.ts";

export interface OpenRequest {
  readonly target: Target;
  /** The provider's own request body. */
  readonly body: JsonObject;
  /** The answer is wanted as one JSON value, not as a stream. */
  readonly whole?: boolean | undefined;
  /** Its prompt counts no tokens: a side call uses only what its answer reports. */
  readonly isUncounted?: boolean | undefined;
  /** By which the client switches the provider's behaviour; keys are not among them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly caller: Caller;
  /** The caller's own key for the upstream, in place of the route's. */
  readonly upstreamKey?: string | undefined;
  /** The OpenClaw session it belongs to. */
  readonly session?: string | undefined;
  /** Whether the upstream may be called again before the first byte of its answer. */
  readonly mayRetry: MayRetry;
  readonly face: string;
  readonly connection: string | undefined;
  /** Clock reading when the request's frame came in. */
  readonly receivedAt: number;
  /** `Relay.admit` has let it in when it was accepted. */
  readonly isAdmitted?: boolean | undefined;
}

/** The caller's body over the model's defaults. */
export const askedBody = ({ target, body }: OpenRequest): JsonObject => ({ ...target.model?.defaults, ...body });

/** The caller's body as the provider wants it. `includeUsage`: a stream is asked for its usage too. */
export function providerBody({ target, whole }: OpenRequest, asked: JsonObject, includeUsage: boolean): JsonObject {
  const { route, model } = target;
  return route.dialect.body({ body: asked, model: model?.upstreamModel, unary: whole, includeUsage });
}

/** The upstream's call with this body. */
export function upstreamRequest(
  request: OpenRequest,
  body: JsonObject,
  amendment: Amendment | undefined,
): UpstreamRequest {
  const { target, upstreamKey, headers, whole, mayRetry } = request;
  const { route } = target;
  const key = upstreamKey ?? route.key;
  const { keyHeader } = route;
  const address = route.dialect.address(keyHeader === undefined ? key : undefined);
  return {
    route: route.name,
    path: address.path,
    headers: { ...route.headers, ...address.headers, ...keyIn(keyHeader, key), ...headers },
    body: JSON.stringify(body),
    model: asString(body.model),
    isOwnKey: upstreamKey !== undefined,
    whole,
    amendment,
    mayRetry,
  };
}

const keyIn = (header: string | undefined, key: string | undefined): Readonly<Record<string, string>> =>
  header === undefined || key === undefined ? {} : { [header]: header === "authorization" ? `Bearer ${key}` : key };
