import { type Caller, mayUse } from "../../../core/caller/caller.ts";
import type { Part } from "../../../core/dialect/dialect.ts";
import type { Model, Routing } from "../../../core/dialect/routing.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Price } from "../../../core/usage/price.ts";

/** The levels that dialects understand. */
const THINKING_LEVELS = ["off", "low", "medium", "high"] as const;
/** The fields that name the thinking levels. Without a choice, no thinking is asked for. */
export const thinkingFields = {
  thinkingLevels: THINKING_LEVELS.map((id) => ({ id, label: id })),
  thinkingDefault: "off",
};

/** Whether a model's dialect can carry such a part. */
function carries(model: Model, part: Part): boolean {
  try {
    model.route.dialect.conversation({ messages: [{ role: "user", content: [part] }] });
    return true;
  } catch {
    return false;
  }
}

/** Whether a model can chat: one on a plain SSE route cannot. */
const converses = (model: Model): boolean => carries(model, { type: "text", text: "hello" });

/** Whether a model's dialect carries images. */
export const takesImages = (model: Model): boolean =>
  carries(model, { type: "image", mimeType: "image/png", base64: "AAAA" });

/** Whether a model's dialect carries PDF documents. */
const takesDocuments = (model: Model): boolean =>
  carries(model, { type: "document", mimeType: "application/pdf", base64: "AAAA", fileName: "a.pdf" });

/** What a user can send to a model. Files of text count as text. */
const inputOf = (model: Model): readonly string[] => [
  "text",
  ...(takesImages(model) ? ["image"] : []),
  ...(takesDocuments(model) ? ["document"] : []),
];

/** Models that may be used, the default that was asked for, and all that are known. */
interface Offer {
  readonly models: readonly Model[];
  readonly asked: Model;
  readonly all: readonly Model[];
}

function offerOf({ models, defaultModel }: Routing): Offer {
  const chatting = models.filter(converses);
  return { models: chatting, asked: defaultModel, all: chatting };
}

/** The gateway's models in OpenClaw's terms: a provider is a route, an id is an alias, a selection is `provider/id`. */
export class ModelCatalog {
  readonly #offer: () => Offer;

  private constructor(offer: () => Offer) {
    this.#offer = offer;
  }

  /** All models that can chat, as long as they are the routing's. */
  static of(routing: Routing): ModelCatalog {
    let read = offerOf(routing);
    return new ModelCatalog(() => {
      // New models come with a new default.
      if (read.asked !== routing.defaultModel) read = offerOf(routing);
      return read;
    });
  }

  get models(): readonly Model[] {
    return this.#offer().models;
  }

  /** Without any `models` one the caller may not use: each message is then refused. */
  get default(): Model {
    const { models, asked } = this.#offer();
    return models.includes(asked) ? asked : (models[0] ?? asked);
  }

  /** Including those that the caller may not use. */
  get #all(): readonly Model[] {
    return this.#offer().all;
  }

  /** The models that a caller's key allows. */
  for(caller: Caller): ModelCatalog {
    if (!caller.grant) return this;
    const allowed = this.models.filter((model) => mayUse(caller, { route: model.route, model }));
    const offer = { models: allowed, asked: this.default, all: this.#all };
    return new ModelCatalog(() => offer);
  }

  /** By `provider/id` or by id alone, allowed or not: another caller may have chosen it for the session. */
  find(selection: string): Model | undefined {
    return (
      this.#all.find((model) => selectionOf(model) === selection) ??
      this.#all.find((model) => model.alias === selection)
    );
  }

  /** Like `find`. Throws `unknown_model` or `forbidden`. */
  get(selection: string): Model {
    const model = this.find(selection);
    if (!model) throw new GatewayError("unknown_model", `unknown model: ${selection}`);
    if (!this.models.includes(model)) {
      const setting = "sluice keys create --models, --routes";
      throw new GatewayError("forbidden", "the key does not allow this model", { setting });
    }
    return model;
  }

  /** The present price of a model, allowed or not. */
  priceOf(route: string, alias: string | null): Price | undefined {
    return this.#all.find((model) => model.alias === alias && model.route.name === route)?.price;
  }

  /** The entries of `models.list`; of one provider if it is named, in any case: the command line sends lower case. */
  list(provider?: string) {
    return this.models
      .filter((model) => provider === undefined || model.route.name.toLowerCase() === provider.toLowerCase())
      .map((model) => ({
        id: model.alias,
        name: model.name,
        provider: model.route.name,
        available: true,
        tags: model === this.default ? ["default", "configured"] : ["configured"],
        ...thinkingFields,
        input: inputOf(model),
        ...(model.contextWindow !== undefined && { contextWindow: model.contextWindow }),
      }));
  }
}

/** How clients name the model that a user picks. */
export const selectionOf = (model: Model): string => `${model.route.name}/${model.alias}`;

/** The fields that name a model in rows and histories. */
export function modelFields(model: Model) {
  return {
    modelProvider: model.route.name,
    model: model.alias,
    ...(model.contextWindow !== undefined && { contextTokens: model.contextWindow }),
  };
}
