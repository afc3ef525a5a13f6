import type { Code } from "../../../protocol/codes.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { type HttpExchange, type HttpFace, pathPattern } from "../../core/ports/http-face.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import { EventStream, type EventStreamParts } from "./event-stream.ts";
import { PollRound } from "./poll-round.ts";
import { isOver, readPosition, readWait } from "./position.ts";

/** Times in milliseconds. */
export interface HttpStreamsLimits {
  /** Between two comments on an event stream, so that proxies do not time it out. */
  readonly keepAliveMs: number;
  /** How long a polling client may take until its next round. */
  readonly betweenPollsMs: number;
}

/** What the face is built from. */
export interface HttpStreamsParts {
  readonly registry: StreamRegistry;
  readonly limits: HttpStreamsLimits;
}

/** Where a stream is read. */
export const EVENTS_PATH = "/v1/streams/{stream}/events";
/** Where a stream is cancelled. */
export const CANCEL_PATH = "/v1/streams/{stream}/cancel";
const EVENTS = pathPattern(EVENTS_PATH);
const CANCEL = pathPattern(CANCEL_PATH);
const NO_CONTENT = { status: 204, headers: {}, body: "" };

/**
 * Reads and cancels streams over HTTP, for clients behind proxies that break WebSockets: as server-sent events, or as a long
 * poll if the client sends `wait`. protocol/README.md defines it.
 */
export function createHttpStreamsFace({ registry, limits }: HttpStreamsParts): HttpFace & { close(): void } {
  const eventStreams = new Set<EventStream>();
  const keepAlive = setInterval(() => {
    for (const eventStream of eventStreams) eventStream.keepAlive();
  }, limits.keepAliveMs).unref();

  function read(exchange: HttpExchange, id: string): void {
    const lastEventId = exchange.header("last-event-id");
    const wait = exchange.query("wait");
    const waitMs = wait === undefined ? undefined : readWait(wait);
    // The client has received the final event. EventSource reconnects until it receives 204.
    if (isOver(lastEventId)) {
      exchange.respond(NO_CONTENT);
      return;
    }
    const { epoch, after } = readPosition(lastEventId ?? exchange.query("after"));
    const begin = (registered: RegisteredStream) => {
      const parts = { exchange, registry, registered, after };
      if (waitMs === undefined) stream(parts);
      else new PollRound({ ...parts, waitMs, betweenPollsMs: limits.betweenPollsMs }).begin();
    };
    const found = registry.find(id, exchange.caller.name, epoch, after);
    if (found instanceof Promise) onceFound(found, exchange, registry, begin);
    else begin(found);
  }

  function stream(parts: Omit<EventStreamParts, "over">): void {
    const eventStream = new EventStream({ ...parts, over: () => eventStreams.delete(eventStream) });
    eventStreams.add(eventStream);
    eventStream.begin();
  }

  return {
    name: "http-streams",
    matches: (method, path) => (method === "GET" && EVENTS.test(path)) || (method === "POST" && CANCEL.test(path)),
    handle(exchange) {
      const [, asked] = EVENTS.exec(exchange.path) ?? [];
      if (asked !== undefined) read(exchange, asked);
      else {
        const [, id = ""] = CANCEL.exec(exchange.path) ?? [];
        // The same response for ended, unknown and other callers' streams.
        registry.cancel(id, exchange.caller.name, new GatewayError("cancelled"));
        exchange.respond(NO_CONTENT);
      }
    },
    close: () => clearInterval(keepAlive),
  };
}

/** Reads a stream that another node was asked for, unless its client has left meanwhile. */
function onceFound(
  found: Promise<RegisteredStream>,
  exchange: HttpExchange,
  registry: StreamRegistry,
  begin: (registered: RegisteredStream) => void,
): void {
  let gone: Code | undefined;
  exchange.onClose((why) => {
    gone = why;
  });
  found
    .then((registered) => {
      if (gone === undefined) begin(registered);
      else registry.lose(registered, gone);
    })
    .catch((thrown) => exchange.refuse(toGatewayError(thrown)));
}
