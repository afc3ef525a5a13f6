import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import type { Relay } from "../../core/relay/relay.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Stream } from "../../core/stream/stream.ts";
import { EventResponse, LOOKS_PER_SILENCE } from "./event-response.ts";
import { EVENTS, type Framing, GOOGLE_EVENTS, JsonArray } from "./framing.ts";
import { createMissingFace } from "./missing.ts";
import { createModelsFace } from "./models.ts";
import { aboutOwnKey } from "./own-key.ts";
import { checkContentType, forwardedHeaders, readRequest } from "./request/api-request.ts";
import { APIS, type Api } from "./request/apis.ts";
import type { Wording } from "./request/wording.ts";
import { refusalHeaders, responseHeaders } from "./response-headers.ts";
import { mayRetryFor } from "./self-retrying.ts";
import { UnaryResponse } from "./unary-response.ts";

/** What the API faces are built from. */
export interface ApiFacesParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly wording: Wording;
  readonly clock: Clock;
  readonly limits: {
    readonly apiBodyBytes: number;
    /** How long a streaming client may receive nothing before a comment opens or extends the response. */
    readonly apiSilenceMs: number;
  };
}

/** The faces, and `close`, which stops their timer. */
export interface ApiFaces {
  readonly faces: readonly HttpFace[];
  close(): void;
}

/** After how long two writes reach a client that reads in two pieces. */
const APART_MS = 20;

/** Holds the place of a reader on a stream whose HTTP client left and whose key lets it run on. */
const NOBODY = { detached() {} };

/** The vendors' HTTP APIs: a face for each endpoint, the list of models, and 404s in the vendors' form. */
export function createApiFaces(parts: ApiFacesParts): ApiFaces {
  const open = new Set<EventResponse>();
  const looks = setInterval(() => {
    for (const answer of open) answer.look();
  }, parts.limits.apiSilenceMs / LOOKS_PER_SILENCE).unref();
  return {
    faces: [...APIS.map((api) => createApiFace(api, parts, open)), createModelsFace(parts), createMissingFace(parts)],
    close: () => clearInterval(looks),
  };
}

function createApiFace(api: Api, parts: ApiFacesParts, open: Set<EventResponse>): HttpFace {
  const { relay, routing, registry, wording, clock, limits } = parts;

  /** Cancels the upstream call, unless the client left by itself and its key lets streams outlive their clients. */
  function left(exchange: HttpExchange, stream: Stream, why: GatewayError): void {
    const away = exchange.caller.grant?.away ?? "cancel";
    if (why.code !== "client_gone" || away === "cancel") stream.cancel(why);
    else {
      const registered = registry.add(stream, exchange.caller.name, away);
      registry.attach(registered, NOBODY);
      registry.detach(registered, NOBODY, why.code);
    }
  }

  function respond(exchange: HttpExchange, text: string): void {
    const receivedAt = clock.now();
    const { caller } = exchange;
    const { target, body, unary } = readRequest(text, api, routing, exchange);
    const upstreamKey = exchange.header(UPSTREAM_KEY_HEADER) || undefined;
    const stream = relay.open({
      target,
      body,
      unary,
      isUncounted: api.below !== undefined,
      headers: forwardedHeaders(api, target, exchange),
      upstreamKey,
      mayRetry: mayRetryFor(exchange),
      caller,
      face: api.name,
      connection: exchange.id,
      receivedAt,
    });
    const responseParts = {
      exchange,
      stream,
      headers: () => responseHeaders(stream),
      refuse(error: GatewayError) {
        if (stream.info.opening?.isRefused) exchange.refuse(error, {}, true);
        else exchange.refuse(upstreamKey === undefined ? error : aboutOwnKey(error), refusalHeaders(stream));
      },
      left: (why: GatewayError) => left(exchange, stream, why),
    };
    if (unary) new UnaryResponse(responseParts).begin();
    else {
      const events: EventResponse = new EventResponse({
        ...responseParts,
        framing: framingOf(api, exchange),
        errorEvents: (error, first, last) => wording.errorEvents(api.dialect, error, first, last),
        later: (work) => setTimeout(work, APART_MS).unref(),
        over: () => open.delete(events),
        silenceMs: limits.apiSilenceMs,
        now: clock.now,
      });
      open.add(events);
      events.begin();
    }
  }

  return {
    name: api.name,
    matches: (method, path) => method === "POST" && (api.asked ? api.asked(path) !== undefined : path === api.path),
    handle(exchange) {
      checkContentType(exchange);
      exchange.body(limits.apiBodyBytes, (text) => respond(exchange, text));
    },
    refusal: (error) => wording.refusal(api.dialect, error),
  };
}

/** Google streams server-sent events to those who ask for them. */
function framingOf({ dialect }: Api, exchange: HttpExchange): Framing {
  if (dialect !== "google-gemini") return EVENTS;
  return exchange.query("alt") === "sse" ? GOOGLE_EVENTS : new JsonArray();
}
