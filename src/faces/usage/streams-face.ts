import { mayDo } from "../../core/caller/caller.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { type HttpFace, pathPattern, requireKnownQuery } from "../../core/ports/http-face.ts";
import type { Relay } from "../../core/relay/relay.ts";
import { STREAMS_PATH, viewOf } from "../../core/relay/stream-record.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";

/** One running stream. */
export const ONE_STREAM_PATH = "/v1/streams/{stream}";
const ONE = pathPattern(ONE_STREAM_PATH);

/** What the face is built from. */
export interface StreamsFaceParts {
  readonly relay: Pick<Relay, "streams">;
  readonly registry: Pick<StreamRegistry, "elsewhere">;
  readonly clock: Pick<Clock, "now">;
}

/**
 * `GET /v1/streams`: the running streams of every face; `DELETE /v1/streams/<stream>` ends one as `cancelled`. Callers see and
 * end their own; the scope `admin` everybody's. In a cluster it shows what runs on this node. Costs a running stream nothing: its counters are read when asked for.
 */
export function createStreamsFace({ relay, registry, clock }: StreamsFaceParts): HttpFace {
  return {
    name: "streams",
    scope: "any",
    matches: (method, path) => (method === "GET" && path === STREAMS_PATH) || (method === "DELETE" && ONE.test(path)),
    handle(exchange) {
      requireKnownQuery(exchange, []);
      const { caller, path } = exchange;
      const isSeen = (whose: string) => whose === caller.name || mayDo(caller, "admin");
      const seen = [...relay.streams].filter((one) => isSeen(one.caller.name));
      if (exchange.method === "GET") {
        exchange.respond({
          status: 200,
          headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
          body: `${JSON.stringify({ streams: seen.map((one) => viewOf(one, clock.now())) })}\n`,
        });
        return;
      }
      const id = ONE.exec(path)?.groups?.stream ?? "";
      const meant = seen.find(({ stream }) => stream.info.id === id)?.stream;
      const reason = new GatewayError("cancelled", "ended by an operator");
      const ended = () => exchange.respond({ status: 204, headers: {}, body: "" });
      if (meant) {
        meant.cancel(reason);
        ended();
        return;
      }
      const none = new GatewayError("not_found", "no such running stream");
      if (!registry.elsewhere) throw none;
      registry.elsewhere
        .cancel(id, isSeen, reason)
        .then((ran) => (ran ? ended() : exchange.refuse(none)))
        .catch((thrown: unknown) => exchange.refuse(toGatewayError(thrown)));
    },
  };
}
