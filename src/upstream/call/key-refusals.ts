import { GatewayError } from "../../core/kernel/errors.ts";
import { asString } from "../../core/kernel/json.ts";
import type { UpstreamRequest } from "../../core/ports/upstream.ts";

/** How long a route fails its calls without asking the upstream, in milliseconds. Codex retried 30 times in 26 s. */
export const KEY_REFUSED_MS = 5_000;

/** Most models whose refusals are remembered; callers may name any model. */
const MAX_MODELS = 64;

/** Types and codes of a 403 that concern the key. Others concern one request: a moderated prompt, a firewall. */
const OF_THE_KEY = /permission|auth|api_?key|access|forbidden|denied|account|organi[sz]ation|project|country|region/i;

/** The parts of a request that a refusal depends on. */
export type KeyedRequest = Pick<UpstreamRequest, "isOwnKey" | "model">;

/** The route whose key is refused, and where that key is configured, such as `from OPENAI_API_KEY`. */
export interface KeyedRoute {
  readonly name: string;
  readonly keyOrigin?: string | undefined;
}

interface Refused {
  readonly error: GatewayError;
  readonly until: number;
}

/**
 * Fails the calls of a route for some seconds after its upstream refused its key, with the upstream's message. A refusal
 * that may concern one model applies to that model only. Callers with their own keys neither cause nor notice one.
 */
export class KeyRefusals {
  readonly #route: KeyedRoute;
  readonly #now: () => number;
  /** By model; undefined stands for the whole route. */
  readonly #refused = new Map<string | undefined, Refused>();

  /** `now` is a monotonic clock in milliseconds. */
  constructor(route: KeyedRoute, now: () => number) {
    this.#route = route;
    this.#now = now;
  }

  /** Throws the remembered refusal (`upstream_http_error`) while it applies to this request. */
  check({ isOwnKey, model }: KeyedRequest): void {
    if (isOwnKey) return;
    for (const scope of [undefined, model]) {
      const refused = this.#refused.get(scope);
      if (refused && refused.until > this.#now()) throw refused.error;
      if (refused) this.#refused.delete(scope);
    }
  }

  /**
   * Names the route in a refusal of its key, and remembers it if it `concernsAll` requests: a key may be limited to some paths.
   * Returns every other error unchanged.
   */
  told(error: GatewayError, { isOwnKey, model }: KeyedRequest, concernsAll = true): GatewayError {
    const status = error.code === "upstream_http_error" ? error.details?.status : undefined;
    if (isOwnKey || (status !== 401 && status !== 403)) return error;
    const { name, keyOrigin } = this.#route;
    const origin = keyOrigin === undefined ? "" : ` (${keyOrigin})`;
    const refusal = new GatewayError(
      "upstream_http_error",
      `the provider refuses the key of the route ${name}${origin}: ${error.message}`,
      { details: { ...error.details, reason: "key_refused", route: name }, retryable: false },
    );
    if (!concernsAll) return refusal;
    const names = ["type", "code", "param"].map((name) => asString(error.details?.[name]) ?? "").join(" ");
    if (status === 401 && !names.includes("model")) this.#remember(undefined, refusal);
    else if (status === 401 || OF_THE_KEY.test(names)) this.#remember(model, refusal);
    return refusal;
  }

  #remember(scope: string | undefined, error: GatewayError): void {
    this.#refused.set(scope, { error, until: this.#now() + KEY_REFUSED_MS });
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > MAX_MODELS) this.#refused.delete(oldest);
  }
}
