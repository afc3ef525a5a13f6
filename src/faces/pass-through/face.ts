import type { DialectName } from "../../../protocol/dialects.ts";
import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import { fits } from "../../core/dialect/pass-through-pattern.ts";
import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { PassThroughRelay } from "../../core/pass-through/pass-through-relay.ts";
import type { HttpExchange, HttpFace, HttpResponse } from "../../core/ports/http-face.ts";
import type { PassThroughRequestBody } from "../../core/ports/pass-through.ts";
import { type Chosen, chooseRoute, type Offer } from "./chosen-route.ts";
import { namedModel, withModel } from "./named-model.ts";
import { PassThroughResponse } from "./pass-through-response.ts";

/** What the face is built from. */
export interface PassThroughFaceParts {
  readonly relay: PassThroughRelay;
  readonly routing: Routing;
  readonly clock: Clock;
  readonly limits: {
    /** Of a JSON body, which is read whole for its model. */
    readonly apiBodyBytes: number;
    /** Of any other body, which goes up as it comes. */
    readonly passThrough: { readonly requestBytes: number; readonly responseBytes: number };
  };
  /** An error in a dialect's form. */
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpResponse };
}

const NAME = "pass-through";

/** `application/json` and the `+json` types (RFC 6839). */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json *(?:;|$)/i;

/** The client's headers that go on: about the body, about what is wanted, and the vendors' switches. Never a credential. */
const PASSED_HEADERS = [
  "accept",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "if-range",
  "range",
  "anthropic-version",
  "anthropic-beta",
  "openai-beta",
];

/** Parameters that may carry a key: never passed on. */
const SECRET_PARAMETER = /^(?:(?:api[-_]?)?key|(?:access[-_]?)?token|ticket|code|sig(?:nature)?|secret|password)$/i;

/** Passes on, as they are, the requests that routes list in `passThrough`. docs/pass-through.md describes it. */
export function createPassThroughFace({ relay, routing, clock, limits, wording }: PassThroughFaceParts): HttpFace {
  const offersOf = (method: string, path: string): readonly Offer[] =>
    routing.routes.flatMap((route) => {
      const pattern = route.passThrough?.find((each) => fits(each, method, path));
      return pattern ? [{ route, pattern }] : [];
    });

  function choose({ method, path, caller }: HttpExchange, model: string | undefined): Chosen {
    const [first, ...others] = offersOf(method, path);
    // A reload may have removed it meanwhile.
    if (!first) throw new GatewayError("not_found");
    return chooseRoute([first, ...others], model, routing, (route) => caller.grant?.routes?.has(route.name) ?? true);
  }

  function open(
    exchange: HttpExchange,
    receivedAt: number,
    { target, pattern }: Chosen,
    body: PassThroughRequestBody,
  ): PassThroughResponse {
    const request = {
      caller: exchange.caller,
      target,
      pattern,
      path: exchange.path,
      query: exchange.queryPairs.filter(([name]) => !SECRET_PARAMETER.test(name)),
      headers: passedHeaders(exchange),
      body,
      upstreamKey: exchange.header(UPSTREAM_KEY_HEADER) || undefined,
      maxResponseBytes: limits.passThrough.responseBytes,
      face: NAME,
      connection: exchange.id,
      receivedAt,
    };
    return new PassThroughResponse(exchange, (reader) => relay.open(request, reader));
  }

  function handleJson(exchange: HttpExchange, receivedAt: number): void {
    exchange.body(limits.apiBodyBytes, (text) => {
      const named = text === "" ? undefined : namedModel(text);
      const chosen = choose(exchange, named?.name);
      const isRenamed = named && chosen.model !== undefined && chosen.model !== named.name;
      const sent = isRenamed ? withModel(text, named, chosen.model) : text;
      open(exchange, receivedAt, chosen, { is: "text", text: sent });
    });
  }

  function handleUpload(exchange: HttpExchange, receivedAt: number): void {
    const length = exchange.header("transfer-encoding") === undefined ? exchange.header("content-length") : undefined;
    const bytes = length === undefined ? undefined : Number(length);
    const chosen = choose(exchange, undefined);
    open(exchange, receivedAt, chosen, { is: "upload", bytes }).upload(limits.passThrough.requestBytes);
  }

  return {
    name: NAME,
    matches: (method, path) => offersOf(method, path).length > 0,
    handle(exchange) {
      const receivedAt = clock.now();
      const hasBody =
        exchange.header("transfer-encoding") !== undefined || Number(exchange.header("content-length") ?? 0) > 0;
      if (exchange.method !== "POST") open(exchange, receivedAt, choose(exchange, undefined), { is: "none" });
      else if (!hasBody || JSON_TYPE.test(exchange.header("content-type") ?? "")) handleJson(exchange, receivedAt);
      else handleUpload(exchange, receivedAt);
    },
    refusal: (error, { header }) =>
      wording.refusal(header("anthropic-version") === undefined ? "openai-chat" : "anthropic-messages", error),
  };
}

function passedHeaders(exchange: HttpExchange): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const name of PASSED_HEADERS) {
    const value = exchange.header(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
