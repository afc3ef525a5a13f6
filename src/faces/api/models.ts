import type { DialectName } from "../../../protocol/dialects.ts";
import { mayUse } from "../../core/caller/caller.ts";
import type { Model, Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace, HttpResponse } from "../../core/ports/http-face.ts";

const PATH = "/v1/models";

/** How one vendor lists models: which of ours its clients can use here, and in what words. */
interface Listing {
  readonly dialects: ReadonlySet<string>;
  one(model: Model, since: Date): object;
  all(models: readonly object[], ids: readonly string[]): object;
}

const OPENAI: Listing = {
  dialects: new Set(["openai-chat", "openai-responses"]),
  one: ({ alias, route }, since) => ({
    id: alias,
    object: "model",
    created: Math.floor(since.getTime() / 1_000),
    owned_by: route.name,
  }),
  all: (data) => ({ object: "list", data }),
};

const ANTHROPIC: Listing = {
  dialects: new Set(["anthropic-messages"]),
  one: ({ alias, name, contextWindow }, since) => ({
    type: "model",
    id: alias,
    display_name: name,
    created_at: since.toISOString(),
    max_input_tokens: contextWindow ?? null,
    max_tokens: null,
    capabilities: null,
    lifecycle: "active",
    deprecated_at: null,
    line: null,
  }),
  all: (data, ids) => ({ data, has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null }),
};

/** Anthropic's clients name the version of their API, and nobody else does. */
const listingFor = (exchange: HttpExchange): Listing =>
  exchange.header("anthropic-version") === undefined ? OPENAI : ANTHROPIC;

export interface ModelsFaceParts {
  readonly routing: Routing;
  readonly clock: Clock;
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpResponse };
}

/** The models that a caller may use, and each of them by its alias. */
export function createModelsFace({ routing, clock, wording }: ModelsFaceParts): HttpFace {
  // Models have no date of their own here: what both vendors demand is when this gateway began to offer them.
  const since = new Date(clock.wall());
  return {
    name: "models",
    matches: (method, path) => method === "GET" && (path === PATH || path.startsWith(`${PATH}/`)),
    handle(exchange) {
      const listing = listingFor(exchange);
      const models = routing.models.filter(
        (model) =>
          listing.dialects.has(model.route.dialect.name) && mayUse(exchange.caller, { route: model.route, model }),
      );
      const alias = exchange.path === PATH ? undefined : decode(exchange.path.slice(PATH.length + 1));
      const model = models.find((candidate) => candidate.alias === alias);
      if (alias !== undefined && !model) throw new GatewayError("unknown_model", `no such model: ${alias}`);
      const value = model
        ? listing.one(model, since)
        : listing.all(
            models.map((each) => listing.one(each, since)),
            models.map((each) => each.alias),
          );
      exchange.respond({
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(value),
      });
    },
    refusal: (error) => wording.refusal("openai-chat", error),
  };
}

/** Throws `bad_request` for escapes that mean nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new GatewayError("bad_request", "the model's name is not well escaped");
  }
}
