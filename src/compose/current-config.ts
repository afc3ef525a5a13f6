import { differencesOf } from "../config/differences.ts";
import type { Config } from "../config/schema.ts";
import type { Caps } from "../core/caller/caller.ts";
import type { Routing } from "../core/dialect/routing.ts";
import type { DemoUpstream } from "../demo/demo-upstream.ts";
import type { Upstream, UpstreamRoute } from "../upstream/upstream.ts";
import { followed, LIVE_LIMITS, type Limits, limitsOf } from "./limits.ts";
import { connectRoutes } from "./routes.ts";

/** What a reload changed, by the paths of the configuration. */
export interface Reloaded {
  /** In effect now. */
  readonly changed: readonly string[];
  /** Different in the file, and unchanged here until the gateway starts again. */
  readonly restart: readonly string[];
}

/** A route for each of a configured route's keys: `twinOf` names the configured one where it is not the first. */
type Made = UpstreamRoute & { readonly twinOf: string | undefined };

/** What follows the file. All else is read once, at the start. */
const LIVE: readonly string[] = ["routes", "models", "defaultModel", "caps", ...LIVE_LIMITS];

const isLive = (path: string): boolean => LIVE.some((section) => path === section || path.startsWith(`${section}.`));

/** Reading the file gathers what a model with targets adds; the file has it beside the model's other keys. */
const asWritten = (path: string): string =>
  path.replace(/^(models\..+)\.fallback$/, "$1.targets").replace(/^(models\..+)\.fallback\.(\w+)$/, "$1.$2");

/** The configuration in effect, and the routes, models and limits made from it. The only one who replaces them. */
export class CurrentConfig {
  readonly routing: Routing;
  /** One object for the life of the gateway, whose fields change. */
  readonly limits: Limits;
  readonly #demo: DemoUpstream | undefined;
  #config: Config;
  #upstreamRoutes: readonly UpstreamRoute[];

  constructor(config: Config, demo: DemoUpstream | undefined) {
    const { routing, upstreamRoutes } = connectRoutes(config, demo);
    this.routing = routing;
    this.limits = limitsOf(config);
    this.#demo = demo;
    this.#config = config;
    this.#upstreamRoutes = upstreamRoutes;
  }

  get upstreamRoutes(): readonly UpstreamRoute[] {
    return this.#upstreamRoutes;
  }

  /** Of all callers together. */
  get caps(): Caps {
    return this.#config.caps;
  }

  /** As JSON, with secrets masked. */
  get shown(): object {
    return JSON.parse(JSON.stringify(this.#config));
  }

  /**
   * Puts the routes, models, caps and some limits of a loaded configuration into effect, all at once; running streams keep the routes
   * and models that they began with. Throws what is wrong with them, and changes nothing then.
   */
  replace(next: Config, upstream: Pick<Upstream, "prepare">): Reloaded {
    const paths = differencesOf(this.#config, next);
    const { routes, models, defaultModel, caps } = next;
    const limits = followed(this.#config.limits, next.limits);
    const config = { ...this.#config, routes, models, defaultModel, caps, limits };
    const made = connectRoutes(config, this.#demo);
    const upstreamRoutes = made.upstreamRoutes.map((route) => this.#unchanged(route, paths) ?? route);
    const apply = upstream.prepare(upstreamRoutes);
    // Nothing below can fail.
    apply();
    this.routing.become(made.routing);
    Object.assign(this.limits, limitsOf(config));
    this.#upstreamRoutes = upstreamRoutes;
    this.#config = config;
    return { changed: paths.filter(isLive).map(asWritten), restart: paths.filter((path) => !isLive(path)) };
  }

  /** The route in effect, if the file says the same of it: its connections and its breaker are kept then. */
  #unchanged({ name, twinOf }: Made, paths: readonly string[]): UpstreamRoute | undefined {
    const path = `routes.${twinOf ?? name}`;
    const isChanged = paths.some((each) => each === path || each.startsWith(`${path}.`));
    return isChanged ? undefined : this.#upstreamRoutes.find((route) => route.name === name);
  }
}
