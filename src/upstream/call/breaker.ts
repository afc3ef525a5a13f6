import { GatewayError } from "../../core/kernel/errors.ts";

/** After how many failures in a row a circuit breaker opens, and for how long. */
export interface BreakerSettings {
  /** Consecutive failed connections after which calls fail at once. */
  readonly failures: number;
  /** How long they fail at once, in milliseconds. After that, one more failure reopens the breaker. */
  readonly openMs: number;
}

/** Five failures in a row shut a route for two seconds: long enough to spare it, short enough to notice its return. */
export const DEFAULT_BREAKER: BreakerSettings = { failures: 5, openMs: 2_000 };

/** Makes calls fail fast while an upstream cannot be connected to. */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #now: () => number;
  #failures = 0;
  #openUntil = 0;

  constructor(settings: BreakerSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Milliseconds until the next attempt is allowed; 0 if it is allowed now. */
  get openForMs(): number {
    return this.#failures < this.#settings.failures ? 0 : Math.max(0, this.#openUntil - this.#now());
  }

  /** Throws `upstream_unreachable` while no attempt is allowed. */
  check(): void {
    const retryAfterMs = this.openForMs;
    if (retryAfterMs === 0) return;
    throw new GatewayError("upstream_unreachable", "recent connections to the upstream failed", {
      details: { reason: "circuit_open" },
      retryAfterMs,
    });
  }

  connected(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    this.#openUntil = this.#now() + this.#settings.openMs;
  }
}
