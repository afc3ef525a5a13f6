import { GatewayError } from "../../core/errors.ts";
import type { Model, Routing } from "../../core/routing.ts";

/** What a client may set; "off" to "high" is what dialects understand. */
const THINKING_LEVELS = ["off", "low", "medium", "high"] as const;
export const thinkingLevels = THINKING_LEVELS.map((id) => ({ id, label: id }));

/** Whether a model's dialect carries conversations at all: a plain SSE route does not. */
function converses(model: Model): boolean {
  try {
    model.route.dialect.conversation({ messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }] });
    return true;
  } catch {
    return false;
  }
}

/**
 * The gateway's models under OpenClaw's names: the provider is the route, the id is the alias, and a selection is
 * `provider/id`.
 */
export class ModelCatalog {
  readonly models: readonly Model[];
  readonly default: Model;

  /** Without any model that can chat the default is one that cannot: each message then says so. */
  constructor(routing: Routing) {
    this.models = routing.models.filter(converses);
    const { defaultModel } = routing;
    this.default = this.models.includes(defaultModel) ? defaultModel : (this.models[0] ?? defaultModel);
  }

  /** From `provider/id` or a bare id. */
  find(selection: string): Model | undefined {
    return (
      this.models.find((model) => selectionOf(model) === selection) ??
      this.models.find((model) => model.alias === selection)
    );
  }

  /** Throws `unknown_model`. */
  get(selection: string): Model {
    const model = this.find(selection);
    if (!model) throw new GatewayError("unknown_model", `unknown model: ${selection}`);
    return model;
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
        thinkingLevels,
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
