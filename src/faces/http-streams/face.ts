import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import { EventStream, type EventStreamParts } from "./event-stream.ts";
import { PollRound } from "./poll-round.ts";
import { isOver, readPosition, readWait } from "./position.ts";

export interface HttpStreamsLimits {
  /** Between two comments on an event stream, so that nobody on the way takes it for dead. */
  readonly keepAliveMs: number;
  /** How long a client that polls may take until its next round. */
  readonly betweenPollsMs: number;
}

export interface HttpStreamsParts {
  readonly registry: StreamRegistry;
  readonly limits: HttpStreamsLimits;
}

const PATH = /^\/v1\/streams\/([^/]{1,128})\/(events|cancel)$/;
const METHODS: Readonly<Record<string, string>> = { events: "GET", cancel: "POST" };
const NO_CONTENT = { status: 204, headers: {}, body: "" };

/**
 * HTTP readers of streams that were opened elsewhere, for clients behind proxies that break WebSockets: as server-sent
 * events, or as long poll when the client names a `wait`. Defined in `protocol/README.md`.
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
    // Had the last event: a browser's EventSource comes back until it is told not to, by this status.
    if (isOver(lastEventId)) {
      exchange.respond(NO_CONTENT);
      return;
    }
    const { epoch, after } = readPosition(lastEventId ?? exchange.query("after"));
    const registered = registry.find(id, exchange.caller.name, epoch, after);
    const parts = { exchange, registry, registered, after };
    if (waitMs === undefined) stream(parts);
    else new PollRound({ ...parts, waitMs, betweenPollsMs: limits.betweenPollsMs }).begin();
  }

  function stream(parts: Omit<EventStreamParts, "over">): void {
    const eventStream = new EventStream({ ...parts, over: () => eventStreams.delete(eventStream) });
    eventStreams.add(eventStream);
    eventStream.begin();
  }

  return {
    name: "http-streams",
    matches(method, path) {
      const action = PATH.exec(path)?.[2];
      return action !== undefined && METHODS[action] === method;
    },
    handle(exchange) {
      const [, id = "", action] = PATH.exec(exchange.path) ?? [];
      if (action === "events") read(exchange, id);
      else {
        // Ended, unknown and foreign ones alike: there is nothing left to cancel.
        registry.owned(id, exchange.caller.name)?.stream.cancel(new GatewayError("cancelled"));
        exchange.respond(NO_CONTENT);
      }
    },
    close: () => clearInterval(keepAlive),
  };
}
