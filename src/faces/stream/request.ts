import type { OpenFrame } from "../../../protocol/stream.ts";
import { inDialects, type Target } from "../../core/dialect/routing.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { OpenRequest } from "../../core/relay/open-request.ts";

/**
 * What an open asks of a target. With `bodies` the target may become another one of the model: the first of those that speak a
 * dialect with a body. Throws `bad_request` if there is none.
 */
export function requestOf(
  { body, bodies, dialect }: OpenFrame,
  target: Target,
): Pick<OpenRequest, "target" | "body" | "bodyFor" | "tellsDialect"> {
  const tellsDialect = dialect === "any";
  if (!bodies) return { target, body: (body ?? {}) as JsonObject, tellsDialect };
  // A frame's bodies are JSON that was parsed.
  const given = new Map(Object.entries(bodies) as [string, JsonObject][]);
  const model = target.model && (inDialects(target.model, new Set(given.keys())) ?? target.model);
  const chosen = model ? { route: model.route, model } : target;
  const bodyFor = ({ name }: { readonly name: string }): JsonObject => {
    const found = given.get(name);
    if (found) return found;
    throw new GatewayError("bad_request", `bodies has none for ${name}, which this model or route speaks`);
  };
  return { target: chosen, body: bodyFor(chosen.route.dialect), bodyFor, tellsDialect };
}
