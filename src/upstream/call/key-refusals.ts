import { GatewayError } from "../../core/kernel/errors.ts";
import { asString } from "../../core/kernel/json.ts";
import type { UpstreamRequest } from "../../core/ports/upstream.ts";

/** How long a route answers by itself, in milliseconds: agents that retry whatever they are told ask 30 times in 26 s. */
export const KEY_REFUSED_MS = 5_000;

/** Models whose refusals are remembered; callers may name any. */
const MAX_MODELS = 64;

/** Names in a 403 that are about the key. Others are about one request: a moderated prompt, a firewall in front. */
const OF_THE_KEY = /permission|auth|api_?key|access|forbidden|denied|account|organi[sz]ation|project|country|region/i;

/** What a refusal needs to know of a request. */
export type KeyedRequest = Pick<UpstreamRequest, "isOwnKey" | "model">;

interface Refused {
  readonly error: GatewayError;
  readonly until: number;
}

/**
 * What becomes of a route whose upstream refuses its key: its calls fail at once for some seconds, with the upstream's
 * words. A refusal that may concern one model holds for that model alone, and callers with keys of their own neither cause
 * nor feel one.
 */
export class KeyRefusals {
  readonly #route: string;
  readonly #now: () => number;
  /** By model; the whole route's has none. */
  readonly #refused = new Map<string | undefined, Refused>();

  /** `now` is a monotonic clock in milliseconds. */
  constructor(route: string, now: () => number) {
    this.#route = route;
    this.#now = now;
  }

  /** Throws the latest refusal while it holds for this request. */
  check({ isOwnKey, model }: KeyedRequest): void {
    if (isOwnKey) return;
    for (const scope of [undefined, model]) {
      const refused = this.#refused.get(scope);
      if (refused && refused.until > this.#now()) throw refused.error;
      if (refused) this.#refused.delete(scope);
    }
  }

  /** A refused call's failure: one of the route's key names the route, and is remembered. All others are returned as they are. */
  told(error: GatewayError, { isOwnKey, model }: KeyedRequest): GatewayError {
    const status = error.code === "upstream_http_error" ? error.details?.status : undefined;
    if (isOwnKey || (status !== 401 && status !== 403)) return error;
    const refusal = new GatewayError(
      "upstream_http_error",
      `the provider refuses the key of the route ${this.#route}: ${error.message}`,
      { details: { ...error.details, reason: "key_refused", route: this.#route }, retryable: false },
    );
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
