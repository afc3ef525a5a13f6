import type { DialectName } from "../../../protocol/dialects.ts";
import { mayUse } from "../../core/caller/caller.ts";
import type { Model, Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace, HttpResponse } from "../../core/ports/http-face.ts";

/** Where both vendors' clients list models. */
export const MODELS_PATH = "/v1/models";

/** How one vendor lists models, and the dialects its clients can use. */
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

/** Only Anthropic's clients send the version of their API. */
const isAnthropic = (asked: Pick<HttpExchange, "header">): boolean => asked.header("anthropic-version") !== undefined;

const listingFor = (exchange: HttpExchange): Listing => (isAnthropic(exchange) ? ANTHROPIC : OPENAI);

/** What the models face is built from. */
export interface ModelsFaceParts {
  readonly routing: Routing;
  readonly clock: Clock;
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpResponse };
}

/** Lists the models a caller may use, or finds one by any name that the vendor's endpoints accept. */
export function createModelsFace({ routing, clock, wording }: ModelsFaceParts): HttpFace {
  // Both vendors' formats require a date; models here have none, so it is the gateway's start.
  const since = new Date(clock.wall());
  return {
    name: "models",
    matches: (method, path) =>
      (method === "GET" || method === "HEAD") &&
      (path === MODELS_PATH || (path.startsWith(`${MODELS_PATH}/`) && path.length > MODELS_PATH.length + 1)),
    handle(exchange) {
      const listing = listingFor(exchange);
      const isOffered = (model: Model) =>
        listing.dialects.has(model.route.dialect.name) && mayUse(exchange.caller, { route: model.route, model });
      const name = exchange.path === MODELS_PATH ? undefined : decode(exchange.path.slice(MODELS_PATH.length + 1));
      exchange.respond({
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(name === undefined ? listed() : retrieved(name)),
      });

      function listed(): object {
        const aliases = routing.models.flatMap(({ alias }) => offered(alias) ?? []);
        const offeredModels = [...aliases, ...routing.namedModels.filter(isOffered)];
        // An alias can equal a passed name, and two routes can pass the same name.
        const models = offeredModels.filter(
          ({ alias }, at) => offeredModels.findIndex((other) => other.alias === alias) === at,
        );
        return listing.all(
          models.map((model) => listing.one(model, since)),
          models.map(({ alias }) => alias),
        );
      }

      function retrieved(id: string): object {
        const model = offered(id);
        if (model) return listing.one(model, since);
        throw new GatewayError("unknown_model", `no such model: ${id}`);
      }

      /** A model as one of the listing's dialects finds it: on its targets that speak it. */
      function offered(id: string): Model | undefined {
        for (const dialect of listing.dialects) {
          const model = routing.findAt(id, dialect);
          if (model && isOffered(model)) return model;
        }
        return undefined;
      }
    },
    refusal: (error, asked) => wording.refusal(isAnthropic(asked) ? "anthropic-messages" : "openai-chat", error),
  };
}

/** Decodes a percent-encoded name. Throws `bad_request` for invalid escapes. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new GatewayError("bad_request", "the model's name has invalid percent-encoding");
  }
}
