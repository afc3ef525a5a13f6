import type { Routing, Target } from "../../core/dialect/routing.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { FIT_JSON, isObject, type JsonObject, parseClientJson } from "../../core/kernel/json.ts";
import type { HttpExchange } from "../../core/ports/http-face.ts";
import { APIS, type Api } from "./apis.ts";

export interface ApiRequest {
  readonly target: Target;
  readonly body: JsonObject;
  /** The answer is wanted as one JSON value, not as a stream. */
  readonly whole: boolean;
}

/** Throws `bad_request` when the body is said to be anything but JSON. */
export function checkContentType(exchange: HttpExchange): void {
  const essence = (exchange.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (essence === "application/json") return;
  throw new GatewayError("bad_request", "the body is JSON: send content-type application/json");
}

/**
 * What a body asks for. Throws `bad_request` for one that is not fit, `unknown_model`, `unknown_route`, or `unsupported`
 * when the model's route speaks another dialect than this API.
 */
export function readRequest(text: string, api: Api, routing: Routing): ApiRequest {
  const body = parseClientJson(text);
  if (!isObject(body))
    throw new GatewayError("bad_request", `the body is not a JSON object, or not one that is ${FIT_JSON}`);
  if (typeof body.model !== "string" || body.model === "") throw new GatewayError("bad_request", "model is missing");
  if (body.stream !== undefined && body.stream !== null && typeof body.stream !== "boolean") {
    throw new GatewayError("bad_request", "stream is true or false");
  }
  const { target, model } = readModel(body.model, routing);
  checkDialect(body.model, target, api);
  return { target, body: { ...body, model }, whole: body.stream !== true };
}

/** An alias, or `route:model` with the upstream's own model id. No route's name has a colon; aliases go first. */
function readModel(name: string, routing: Routing): { readonly target: Target; readonly model: string } {
  const colon = name.indexOf(":");
  if (colon > 0 && !routing.models.some(({ alias }) => alias === name)) {
    return { target: routing.target({ route: name.slice(0, colon) }), model: name.slice(colon + 1) };
  }
  return { target: routing.target({ model: name }), model: name };
}

function checkDialect(model: string, { route }: Target, api: Api): void {
  const { name } = route.dialect;
  if (name === api.dialect) return;
  const other = APIS.find(({ dialect }) => dialect === name);
  const where = other ? `ask for it at ${other.path}` : "it is not served over HTTP";
  throw new GatewayError("unsupported", `${model} speaks ${name}, not ${api.dialect}: ${where}`);
}

/** The headers of the request that go upstream. */
export function switchesOf({ switches }: Api, exchange: HttpExchange): Record<string, string> {
  const given = switches.map((name) => [name, exchange.header(name)]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
