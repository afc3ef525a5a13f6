import type { DialectName } from "../../../protocol/dialects.ts";
import { UPSTREAM_KEY_HEADER } from "../../core/caller/caller.ts";
import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpAnswer, HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import type { Relay } from "../../core/relay/relay.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Stream } from "../../core/stream/stream.ts";
import type { EventText } from "./answer.ts";
import { checkContentType, readRequest, switchesOf } from "./api-request.ts";
import { APIS, type Api } from "./apis.ts";
import { EventAnswer, LOOKS_PER_SILENCE } from "./event-answer.ts";
import { createMissingFace } from "./missing.ts";
import { createModelsFace } from "./models.ts";
import { aboutOwnKey } from "./own-key.ts";
import { mayRetryFor } from "./self-retrying.ts";
import { WholeAnswer } from "./whole-answer.ts";

/** How a dialect words what is no answer of a provider. */
export interface Wording {
  refusal(dialect: DialectName, error: GatewayError): HttpAnswer;
  /** The event that ends a stream of which the client has had `first` to `last`; undefined when that said it all. */
  errorEvent(
    dialect: DialectName,
    error: GatewayError,
    first: EventText | undefined,
    last: EventText | undefined,
  ): EventText | undefined;
}

export interface ApiFacesParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly registry: StreamRegistry;
  readonly wording: Wording;
  readonly clock: Clock;
  readonly limits: {
    readonly apiBodyBytes: number;
    /** How long the client of a stream may hear nothing; then it gets the head, if that is not out, and a comment. */
    readonly apiSilenceMs: number;
  };
}

export interface ApiFaces {
  readonly faces: readonly HttpFace[];
  close(): void;
}

/** Nobody reads on what an HTTP client left, but its key may want it to run to its end. */
const NOBODY = { detached() {} };

/** The vendors' own HTTP APIs, for their clients as they are: one face each, and the list of models. */
export function createApiFaces(parts: ApiFacesParts): ApiFaces {
  const open = new Set<EventAnswer>();
  const looks = setInterval(() => {
    for (const answer of open) answer.look();
  }, parts.limits.apiSilenceMs / LOOKS_PER_SILENCE).unref();
  return {
    faces: [...APIS.map((api) => createApiFace(api, parts, open)), createModelsFace(parts), createMissingFace(parts)],
    close: () => clearInterval(looks),
  };
}

function createApiFace(api: Api, parts: ApiFacesParts, open: Set<EventAnswer>): HttpFace {
  const { relay, routing, registry, wording, clock, limits } = parts;

  /** The client is gone, or must go: the upstream stops, unless the key says that its streams outlive their clients. */
  function left(exchange: HttpExchange, stream: Stream, why: GatewayError): void {
    const away = exchange.caller.grant?.away ?? "cancel";
    if (why.code !== "client_gone" || away === "cancel") stream.cancel(why);
    else {
      const registered = registry.add(stream, exchange.caller.name, away);
      registry.attach(registered, NOBODY);
      registry.detach(registered, NOBODY, why.code);
    }
  }

  function answer(exchange: HttpExchange, text: string): void {
    const receivedAt = clock.now();
    const { caller } = exchange;
    const { target, body, whole } = readRequest(text, api, routing);
    const upstreamKey = exchange.header(UPSTREAM_KEY_HEADER) || undefined;
    const stream = relay.open({
      target,
      body,
      whole,
      isUncounted: api.below !== undefined,
      headers: switchesOf(api, exchange),
      upstreamKey,
      mayRetry: mayRetryFor(exchange),
      caller,
      face: api.name,
      connection: exchange.id,
      receivedAt,
    });
    const answerParts = {
      exchange,
      stream,
      headers: { "x-sluice-stream": stream.info.id },
      refuse: (error: GatewayError) => exchange.refuse(upstreamKey === undefined ? error : aboutOwnKey(error)),
      left: (why: GatewayError) => left(exchange, stream, why),
    };
    if (whole) new WholeAnswer(answerParts).begin();
    else {
      const events: EventAnswer = new EventAnswer({
        ...answerParts,
        errorEvent: (error, first, last) => wording.errorEvent(api.dialect, error, first, last),
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
    matches: (method, path) => method === "POST" && path === api.path,
    handle(exchange) {
      checkContentType(exchange);
      exchange.body(limits.apiBodyBytes, (text) => answer(exchange, text));
    },
    refusal: (error) => wording.refusal(api.dialect, error),
  };
}
