import { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Price } from "../usage/price.ts";
import type { Dialect } from "./dialect.ts";

/** A named upstream, as the core sees it: where and how; connecting is the upstream's business. */
export interface Route {
  readonly name: string;
  readonly dialect: Dialect;
  readonly key: string | undefined;
  /** The header that carries the key, in lower case, where it is not the dialect's own. */
  readonly keyHeader?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** False where the upstream refuses to be asked for usage; then it is estimated. */
  readonly includeUsage?: boolean;
}

/** An alias clients use for a route and the upstream's own model. */
export interface Model {
  readonly alias: string;
  readonly route: Route;
  readonly upstreamModel: string;
  readonly name: string;
  /** Parameters put under what the caller sends. */
  readonly defaults: JsonObject;
  readonly price: Price | undefined;
  readonly contextWindow: number | undefined;
}

export interface Target {
  readonly route: Route;
  readonly model: Model | undefined;
}

/** Names to routes and models. Clients choose among these names and never give an address. */
export class Routing {
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #models: ReadonlyMap<string, Model>;
  readonly defaultModel: Model;

  /** The first model is the default unless one is named. There must be at least one. */
  constructor(routes: readonly Route[], models: readonly Model[], defaultAlias?: string) {
    this.#routes = new Map(routes.map((route) => [route.name, route]));
    this.#models = new Map(models.map((model) => [model.alias, model]));
    const first = defaultAlias === undefined ? models[0] : this.#models.get(defaultAlias);
    if (!first) throw new GatewayError("unknown_model", `no model named ${defaultAlias ?? "at all"}`);
    this.defaultModel = first;
  }

  get models(): readonly Model[] {
    return [...this.#models.values()];
  }

  /** Throws `unknown_model`. */
  model(alias: string): Model {
    const model = this.#models.get(alias);
    if (!model) throw new GatewayError("unknown_model", `no such model: ${alias}`);
    return model;
  }

  /** What an open means. Throws `unknown_model`, `unknown_route`, or `bad_request` when neither is named. */
  target(names: { readonly model?: string | undefined; readonly route?: string | undefined }): Target {
    if (names.model !== undefined) {
      const model = this.model(names.model);
      return { route: model.route, model };
    }
    if (names.route === undefined) throw new GatewayError("bad_request", "neither model nor route is named");
    const route = this.#routes.get(names.route);
    if (!route) throw new GatewayError("unknown_route", `no such route: ${names.route}`);
    return { route, model: undefined };
  }
}
