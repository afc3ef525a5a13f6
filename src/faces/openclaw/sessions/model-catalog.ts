import { type Caller, mayUse } from "../../../core/caller/caller.ts";
import type { Part } from "../../../core/dialect/dialect.ts";
import type { Model, Routing } from "../../../core/dialect/routing.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Price } from "../../../core/usage/price.ts";

/** What a client may set; "off" to "high" is what dialects understand. */
const THINKING_LEVELS = ["off", "low", "medium", "high"] as const;
/** Unless a level is chosen, none is asked for. */
export const thinkingFields = {
  thinkingLevels: THINKING_LEVELS.map((id) => ({ id, label: id })),
  thinkingDefault: "off",
};

/** Whether a model's dialect can put such a message into a request. */
function carries(model: Model, part: Part): boolean {
  try {
    model.route.dialect.conversation({ messages: [{ role: "user", content: [part] }] });
    return true;
  } catch {
    return false;
  }
}

/** Whether conversations are carried at all: a plain SSE route does not. */
const converses = (model: Model): boolean => carries(model, { type: "text", text: "hello" });

/** Whether images are. */
export const takesImages = (model: Model): boolean =>
  carries(model, { type: "image", mimeType: "image/png", base64: "AAAA" });

/**
 * The gateway's models under OpenClaw's names: the provider is the route, the id is the alias, and a selection is
 * `provider/id`.
 */
export class ModelCatalog {
  readonly models: readonly Model[];
  readonly default: Model;
  /** Those that a caller may not use, too. */
  readonly #all: readonly Model[];

  /** Without any of `models` the default is none of them: each message then says so. */
  constructor(models: readonly Model[], defaultModel: Model, all = models) {
    this.models = models;
    this.default = models.includes(defaultModel) ? defaultModel : (models[0] ?? defaultModel);
    this.#all = all;
  }

  static of(routing: Routing): ModelCatalog {
    return new ModelCatalog(routing.models.filter(converses), routing.defaultModel);
  }

  /** The same for a caller whose key may not allow all of it. */
  for(caller: Caller): ModelCatalog {
    if (!caller.grant) return this;
    const allowed = this.models.filter((model) => mayUse(caller, { route: model.route, model }));
    return new ModelCatalog(allowed, this.default, this.#all);
  }

  /** From `provider/id` or a bare id, allowed or not: a conversation may have chosen it for somebody else. */
  find(selection: string): Model | undefined {
    return (
      this.#all.find((model) => selectionOf(model) === selection) ??
      this.#all.find((model) => model.alias === selection)
    );
  }

  /** Throws `unknown_model`, or `forbidden`. */
  get(selection: string): Model {
    const model = this.find(selection);
    if (!model) throw new GatewayError("unknown_model", `unknown model: ${selection}`);
    if (!this.models.includes(model)) throw new GatewayError("forbidden", "the key does not allow this model");
    return model;
  }

  /** Today's price of a model, allowed or not. */
  priceOf(route: string, alias: string | null): Price | undefined {
    return this.#all.find((model) => model.alias === alias && model.route.name === route)?.price;
  }

  /** Entries of `models.list`. */
  list(provider?: string) {
    return this.models
      .filter((model) => provider === undefined || model.route.name === provider)
      .map((model) => ({
        id: model.alias,
        name: model.name,
        provider: model.route.name,
        available: true,
        tags: model === this.default ? ["default", "configured"] : ["configured"],
        ...thinkingFields,
        input: takesImages(model) ? ["text", "image"] : ["text"],
        ...(model.contextWindow !== undefined && { contextWindow: model.contextWindow }),
      }));
  }
}

/** What the UI sends back when somebody picks the model. */
export const selectionOf = (model: Model): string => `${model.route.name}/${model.alias}`;

/** The fields with which rows and histories name a model. */
export function modelFields(model: Model) {
  return {
    modelProvider: model.route.name,
    model: model.alias,
    ...(model.contextWindow !== undefined && { contextTokens: model.contextWindow }),
  };
}
