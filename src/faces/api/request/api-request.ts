import type { Routing, Target } from "../../../core/dialect/routing.ts";
import { sideCall } from "../../../core/dialect/side-call.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { FIT_JSON, isObject, type JsonObject, MAX_JSON_DEPTH, parseRelayedJson } from "../../../core/kernel/json.ts";
import { CALLER_JSON, isTooHeavy } from "../../../core/kernel/json-weight.ts";
import type { HttpExchange } from "../../../core/ports/http-face.ts";
import { APIS, type Api } from "./apis.ts";

/** A parsed request to one of the vendors' APIs. */
export interface ApiRequest {
  readonly target: Target;
  readonly body: JsonObject;
  /** The client wants one JSON value, not a stream. */
  readonly unary: boolean;
}

/**
 * `application/json` and the `+json` types (RFC 6839). A web page cannot send any of them to another origin without a
 * preflight (Fetch standard, CORS).
 */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json$/;

/** Throws `bad_request` unless the content type is JSON. */
export function checkContentType(exchange: HttpExchange): void {
  const essence = (exchange.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (essence !== undefined && JSON_TYPE.test(essence)) return;
  throw new GatewayError("bad_request", "the body is JSON: send content-type application/json");
}

/**
 * Parses a request body and resolves its model. Throws `bad_request` for an invalid body, `unknown_model`, `unknown_route`,
 * or `unsupported` when the model's route speaks another dialect than this API.
 */
export function readRequest(text: string, api: Api, routing: Routing, path: string): ApiRequest {
  const body = parseRelayedJson(text);
  if (!isObject(body)) throw new GatewayError("bad_request", whyUnfit(text));
  return requestOf({ ...body, ...api.asked?.(path) }, api, routing);
}

/** The same for a body that is parsed already (`parseRelayedJson`). */
export function requestOf(body: JsonObject, api: Api, routing: Routing): ApiRequest {
  if (typeof body.model !== "string" || body.model === "") throw new GatewayError("bad_request", "model is missing");
  if (body.stream !== undefined && body.stream !== null && typeof body.stream !== "boolean") {
    throw new GatewayError("bad_request", "stream is true or false");
  }
  const { target, model } = readModel(body.model, api, routing);
  checkDialect(body.model, target, api);
  const asked = { ...body, model };
  if (api.below !== undefined) return { target: sideTarget(target, api.below), body: asked, unary: true };
  return { target, body: asked, unary: body.stream !== true };
}

/** Why a text is no body. */
export const whyUnfit = (text: string): string =>
  isTooHeavy(text, CALLER_JSON, MAX_JSON_DEPTH)
    ? `the body is larger JSON than is accepted: it must be ${FIT_JSON}`
    : "the body is not a JSON object";

/**
 * Resolves an alias, `route/alias`, `route:model` with the provider's model id, or a provider's model id that a route of the
 * dialect passes. Aliases take precedence. Route names contain neither colons nor slashes.
 */
function readModel(
  name: string,
  { dialect }: Api,
  routing: Routing,
): { readonly target: Target; readonly model: string } {
  const colon = name.indexOf(":");
  const isAlias = routing.models.some(({ alias }) => alias === name);
  const onRoute = colon > 0 && !isAlias ? routing.targetOn(name.slice(0, colon), name.slice(colon + 1)) : undefined;
  if (onRoute) return { target: onRoute, model: name.slice(colon + 1) };
  try {
    const model = routing.modelAt(name, dialect);
    return { target: { route: model.route, model }, model: name };
  } catch (error) {
    if (colon > 0) throw new GatewayError("unknown_route", `no such model, and no such route: ${name.slice(0, colon)}`);
    throw error;
  }
}

/** Drops the model's defaults: these endpoints reject generation parameters. */
const sideTarget = ({ route, model }: Target, below: string): Target => {
  const side = { ...route, dialect: sideCall(route.dialect, below) };
  return { route: side, model: model && { ...model, route: side, defaults: {} } };
};

function checkDialect(model: string, { route }: Target, api: Api): void {
  const { name } = route.dialect;
  if (name === api.dialect) return;
  const other = APIS.find(({ dialect }) => dialect === name);
  const where = other ? `ask for it at ${other.path}` : "it is not served over HTTP";
  throw new GatewayError("unsupported", `${model} speaks ${name}, not ${api.dialect}: ${where}`);
}

/**
 * The request headers that are forwarded upstream: the vendor's switches, and the client's name for its conversation on a
 * route that has a header for it. The caller's name goes before it, so that no caller reaches another's conversation.
 */
export function forwardedHeaders({ switches }: Api, { route }: Target, exchange: HttpExchange): Record<string, string> {
  const given = switches.map((name) => [name, exchange.header(name)]);
  const { sessionHeader } = route;
  const session = sessionHeader === undefined ? undefined : exchange.header(sessionHeader);
  return {
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    ...(sessionHeader !== undefined && session && { [sessionHeader]: `sluice:${exchange.caller.name}:${session}` }),
  };
}
