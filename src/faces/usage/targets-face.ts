import { type HttpFace, requireKnownQuery } from "../../core/ports/http-face.ts";
import { TARGETS_PATH, type TargetView } from "../../core/targets/target-views.ts";

/**
 * `GET /v1/targets`: each target's health, load and first-content times, for keys with the scope `admin`. docs/fallback.md
 * describes the response. `node`: the one of a cluster whose figures they are.
 */
export function createTargetsFace(targets: () => readonly TargetView[], node: string | undefined): HttpFace {
  return {
    name: "targets",
    scope: "admin",
    matches: (method, path) => method === "GET" && path === TARGETS_PATH,
    handle(exchange) {
      requireKnownQuery(exchange, []);
      exchange.respond({
        status: 200,
        headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
        body: `${JSON.stringify({ targets: targets(), node })}\n`,
      });
    },
  };
}
