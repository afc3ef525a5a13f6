import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { type HttpExchange, type HttpFace, pathPattern, requireKnownQuery } from "../../core/ports/http-face.ts";
import { type OtherNodes, type RunningStreams, viewerOf } from "../../core/running/running-streams.ts";
import { STREAMS_PATH, type StreamList } from "../../core/running/stream-view.ts";

/** One running stream. */
export const ONE_STREAM_PATH = "/v1/streams/{stream}";
const ONE = pathPattern(ONE_STREAM_PATH);

/** What the face is built from. */
export interface StreamsFaceParts {
  readonly running: Pick<RunningStreams, "seenBy" | "end">;
  /** Of a cluster. */
  readonly others: OtherNodes | undefined;
}

/**
 * `GET /v1/streams`: the running streams of every face, on every node; `DELETE /v1/streams/<stream>` ends one as `cancelled`,
 * wherever it runs. Callers see and end their own; the scope `admin` everybody's. Costs a running stream nothing.
 */
export function createStreamsFace({ running, others }: StreamsFaceParts): HttpFace {
  return {
    name: "streams",
    scope: "any",
    matches: (method, path) => (method === "GET" && path === STREAMS_PATH) || (method === "DELETE" && ONE.test(path)),
    handle(exchange) {
      requireKnownQuery(exchange, []);
      const viewer = viewerOf(exchange.caller);
      if (exchange.method === "GET") {
        if (!others) respondWith(exchange, { streams: running.seenBy(viewer) });
        else {
          const { node } = others;
          const here = running.seenBy(viewer).map((one) => ({ ...one, node }));
          others
            .list(viewer)
            .then(({ streams, ...rest }) => {
              const all = [...here, ...streams].toSorted((a, b) => b.ageMs - a.ageMs);
              respondWith(exchange, { streams: all, node, ...rest });
            })
            .catch((thrown: unknown) => exchange.refuse(toGatewayError(thrown)));
        }
        return;
      }
      const id = ONE.exec(exchange.path)?.groups?.stream ?? "";
      const ended = () => exchange.respond({ status: 204, headers: {}, body: "" });
      const none = new GatewayError("not_found", "no such running stream");
      const ending = running.end(id, viewer);
      if (ending === "ended") ended();
      else if (ending === "over" || !others) throw none;
      else {
        others
          .end(id, viewer)
          .then((ran) => (ran ? ended() : exchange.refuse(none)))
          .catch((thrown: unknown) => exchange.refuse(toGatewayError(thrown)));
      }
    },
  };
}

function respondWith(exchange: HttpExchange, list: StreamList): void {
  exchange.respond({
    status: 200,
    headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
    body: `${JSON.stringify(list)}\n`,
  });
}
