import { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import { matchesName } from "../kernel/name-pattern.ts";
import type { Price } from "../usage/price.ts";
import type { Dialect } from "./dialect.ts";
import type { PassThroughPattern } from "./pass-through-pattern.ts";

/** A named upstream, as the core sees it. */
export interface Route {
  readonly name: string;
  readonly dialect: Dialect;
  readonly key: string | undefined;
  /** The header that carries the key, in lower case, where it is not the dialect's own. */
  readonly keyHeader?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The header, in lower case, that tells the upstream which conversation a request belongs to. */
  readonly sessionHeader?: string | undefined;
  /** Whether the upstream keeps the conversations that this header names: it then gets only what is new. */
  readonly keepsHistory?: boolean;
  /** False if the upstream rejects `stream_options`; usage is then estimated. */
  readonly includeUsage?: boolean;
  /** The same upstream with other keys, used in turn. */
  readonly twins?: readonly Route[];
  /** Models without an alias that clients may name as the provider does: all, those matching a pattern (`claude-*`), or none. */
  readonly passModels?: boolean | readonly string[];
  /** How often its list of models is asked for, in milliseconds, to learn whether it works; undefined: never. */
  readonly probe?: { readonly everyMs: number } | undefined;
  /** Requests below `/v1` that go to it as they are. */
  readonly passThrough?: readonly PassThroughPattern[];
  /** Prices of models without an alias, by the provider's own names. */
  readonly prices?: ReadonlyMap<string, Price>;
}

/** An alias for a model of a route. For a passed model, the alias is the provider's own name. */
export interface Model {
  readonly alias: string;
  readonly route: Route;
  readonly upstreamModel: string;
  readonly name: string;
  /** Parameters of the request body that the caller's override. */
  readonly defaults: JsonObject;
  readonly price: Price | undefined;
  readonly contextWindow: number | undefined;
  /** The targets it is tried on, the first of which is `route` and `upstreamModel`; undefined: only that one. */
  readonly fallback?: Fallback | undefined;
}

/** How a model chooses among its targets. */
export const CHOICES = ["order", "weights", "least_busy"] as const;
/** See `CHOICES`. */
export type Choice = (typeof CHOICES)[number];

/** The targets of a model with several, or with limits of their own. */
export interface Fallback {
  readonly choose: Choice;
  /** Whether the requests of one conversation go to the same target, while it works. */
  readonly sticky: boolean;
  /** How long a failing target is spared, in milliseconds. */
  readonly coolDownMs: number;
  /** The next target is tried if no answer has begun by then, in milliseconds; both may be billed. */
  readonly firstTokenMs: number | undefined;
  readonly targets: readonly ModelTarget[];
}

/** One target of a model. */
export interface ModelTarget extends Target {
  readonly weight: number;
  readonly limits: TargetLimits;
}

/** What may run on one target. Undefined: unlimited. */
export interface TargetLimits {
  readonly requestsPerMinute?: number | undefined;
  /** Prompts as estimated when they are sent. */
  readonly tokensPerMinute?: number | undefined;
  readonly concurrentStreams?: number | undefined;
}

/** What a request is sent to. Without a model, the request body names the provider's. */
export interface Target {
  readonly route: Route;
  readonly model: Model | undefined;
}

/** Resolves names to routes and models. Clients choose among names and never give an address. */
export class Routing {
  #routes: ReadonlyMap<string, Route>;
  #models: ReadonlyMap<string, Model>;
  #default: Model;

  /** The default is `defaultAlias` or the first model. Throws `unknown_model` if there is none. */
  constructor(routes: readonly Route[], models: readonly Model[], defaultAlias?: string) {
    this.#routes = new Map(routes.map((route) => [route.name, route]));
    this.#models = new Map(models.map((model) => [model.alias, model]));
    const first = defaultAlias === undefined ? models[0] : this.#models.get(defaultAlias);
    if (!first) throw new GatewayError("unknown_model", `no model named ${defaultAlias ?? "at all"}`);
    this.#default = first;
  }

  /** From now on resolves names as `next` does. What was resolved before keeps the routes and models it has. */
  become(next: Routing): void {
    this.#routes = next.#routes;
    this.#models = next.#models;
    this.#default = next.#default;
  }

  get defaultModel(): Model {
    return this.#default;
  }

  get routes(): readonly Route[] {
    return [...this.#routes.values()];
  }

  get models(): readonly Model[] {
    return [...this.#models.values()];
  }

  /** Passed models that a route's `passModels` names in full, without a pattern. */
  get namedModels(): readonly Model[] {
    return [...this.#routes.values()].flatMap((route) =>
      Array.isArray(route.passModels)
        ? route.passModels.filter((name) => !name.includes("*")).map((name) => this.#passed(route, name))
        : [],
    );
  }

  /** Finds a model by alias, `route/alias`, or `route/name` if the route passes the name. Throws `unknown_model`. */
  model(name: string): Model {
    return known(this.#find(name), name);
  }

  /**
   * Finds a model for an API of one dialect: as `model` does, then by the provider's own name on a route of the dialect that
   * passes it. Returns a model of another dialect only if there is none of this one. Throws `unknown_model`.
   */
  modelAt(name: string, dialect: string): Model {
    return known(this.findAt(name, dialect), name);
  }

  /** Like `modelAt`, but returns undefined if there is no such model. */
  findAt(name: string, dialect: string): Model | undefined {
    const aliased = this.#aliased(name);
    if (aliased?.route.dialect.name === dialect) return aliased;
    const narrowed = aliased && inDialects(aliased, new Set([dialect]));
    if (narrowed) return narrowed;
    // An alias equal to the provider's name means the same model on every route.
    const isOwnName = !aliased || aliased.upstreamModel === name;
    const passed = isOwnName ? this.#passedBy(name, (route) => route.dialect.name === dialect) : undefined;
    return passed ?? this.#find(name);
  }

  /** The target of `route:name`. Its model is undefined if the route does not pass the name; undefined if there is no such route. */
  targetOn(routeName: string, name: string): Target | undefined {
    const route = this.#routes.get(routeName);
    return route && { route, model: passes(route, name) ? this.#passed(route, name) : undefined };
  }

  /** The target of an `open` frame. Throws `unknown_model`, `unknown_route`, or `bad_request` if it names neither. */
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

  #find(name: string): Model | undefined {
    return this.#aliased(name) ?? this.#passedBy(name, (route) => name.startsWith(`${route.name}/`));
  }

  #aliased(name: string): Model | undefined {
    const model = this.#models.get(name);
    if (model) return model;
    const slash = name.indexOf("/");
    const behind = slash > 0 ? this.#models.get(name.slice(slash + 1)) : undefined;
    return behind?.route.name === name.slice(0, slash) ? behind : undefined;
  }

  /** Looks for a passing route: the one before the slash, then one with a matching pattern, then one that passes all names. */
  #passedBy(name: string, isEligible: (route: Route) => boolean): Model | undefined {
    const routes = [...this.#routes.values()].filter(isEligible);
    const named = routes.find((route) => name.startsWith(`${route.name}/`));
    const bare = named && name.slice(named.name.length + 1);
    if (named && bare !== undefined && passes(named, bare)) return this.#passed(named, bare);
    const route =
      routes.find(({ passModels }) => Array.isArray(passModels) && passModels.some((it) => matchesName(it, name))) ??
      routes.find((candidate) => passes(candidate, name));
    return route && this.#passed(route, name);
  }

  /** A model by the provider's own name, with the price of its alias or route, if it has one. */
  #passed(route: Route, name: string): Model {
    const alias = this.models.find((model) => model.route === route && model.upstreamModel === name);
    return {
      alias: name,
      route,
      upstreamModel: name,
      name: alias?.name ?? name,
      defaults: {},
      price: alias?.price ?? route.prices?.get(name),
      contextWindow: alias?.contextWindow,
    };
  }
}

function known(model: Model | undefined, name: string): Model {
  if (!model) throw new GatewayError("unknown_model", `no such model: ${name}`);
  return model;
}

/**
 * The model as it ran on the target of this route (a further key's is `route#2`) and provider's name; the model itself where
 * there was only one target.
 */
export function modelOn(
  model: Model,
  target: { readonly route: string; readonly model: string | undefined } | undefined,
): Model {
  const [route] = target?.route.split("#") ?? [];
  const found = model.fallback?.targets.find(
    (one) => one.route.name === route && one.model?.upstreamModel === target?.model,
  );
  return found?.model ?? model;
}

/** A model with several targets on those that speak one of these dialects; undefined if none does. */
export function inDialects(model: Model, dialects: ReadonlySet<string>): Model | undefined {
  const targets = model.fallback?.targets.filter(({ route }) => dialects.has(route.dialect.name)) ?? [];
  const [first] = targets;
  if (!first?.model || !model.fallback) return undefined;
  return { ...first.model, fallback: { ...model.fallback, targets } };
}

/** What a passed name may be: it appears in the ledger and the log. */
const OWN_NAME = /^[!-~]{1,256}$/;

function passes({ passModels = false }: Route, name: string): boolean {
  if (!OWN_NAME.test(name)) return false;
  return typeof passModels === "boolean" ? passModels : passModels.some((pattern) => matchesName(pattern, name));
}
