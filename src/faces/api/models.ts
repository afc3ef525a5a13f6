import type { DialectName } from "../../../protocol/dialects.ts";
import { mayUse } from "../../core/caller/caller.ts";
import type { Model, Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { HttpExchange, HttpFace, HttpResponse } from "../../core/ports/http-face.ts";

/** Where OpenAI's and Anthropic's clients list models. */
export const MODELS_PATH = "/v1/models";
/** Where they ask for one. */
export const MODEL_PATH = "/v1/models/{model}";
/** Where Google's clients list models. */
export const GOOGLE_MODELS_PATH = "/v1beta/models";
/** Where they ask for one. */
export const GOOGLE_MODEL_PATH = "/v1beta/models/{model}";

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

const METHODS = ["generateContent", "streamGenerateContent", "countTokens"];

const GOOGLE: Listing = {
  dialects: new Set(["google-gemini"]),
  one: ({ alias, name, contextWindow }) => ({
    name: `models/${alias}`,
    baseModelId: alias,
    version: "001",
    displayName: name,
    ...(contextWindow !== undefined && { inputTokenLimit: contextWindow }),
    supportedGenerationMethods: METHODS,
  }),
  all: (models) => ({ models }),
};

/** The list, or one model of it, where both OpenAI's and Anthropic's clients ask for it and where Google's do. */
const PATH = /^(?:\/v1)?\/v1(beta|alpha)?\/models(?:\/(.+))?$/s;

/** Only Anthropic's clients send the version of their API; Google's ask elsewhere, or send their own key header. */
function dialectOf(asked: Pick<HttpExchange, "path" | "header">): DialectName {
  if (PATH.exec(asked.path)?.[1] || asked.header("x-goog-api-key") !== undefined) return "google-gemini";
  return asked.header("anthropic-version") === undefined ? "openai-chat" : "anthropic-messages";
}

const LISTINGS: Readonly<Partial<Record<DialectName, Listing>>> = {
  "anthropic-messages": ANTHROPIC,
  "google-gemini": GOOGLE,
};

/** What the models face is built from. */
export interface ModelsFaceParts {
  readonly routing: Routing;
  readonly clock: Clock;
  readonly wording: { refusal(dialect: DialectName, error: GatewayError): HttpResponse };
}

/** Lists the models a caller may use, or finds one by any name that the vendor's endpoints accept. */
export function createModelsFace({ routing, clock, wording }: ModelsFaceParts): HttpFace {
  // Two vendors' formats require a date; models here have none, so it is the gateway's start.
  const since = new Date(clock.wall());
  return {
    name: "models",
    matches: (method, path) => (method === "GET" || method === "HEAD") && PATH.test(path),
    handle(exchange) {
      const listing = LISTINGS[dialectOf(exchange)] ?? OPENAI;
      const isOffered = (model: Model) =>
        listing.dialects.has(model.route.dialect.name) && mayUse(exchange.caller, { route: model.route, model });
      const asked = PATH.exec(exchange.path)?.[2];
      const name = asked === undefined ? undefined : decode(asked);
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
    refusal: (error, asked) => wording.refusal(dialectOf(asked), error),
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
