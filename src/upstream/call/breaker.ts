import { GatewayError } from "../../core/kernel/errors.ts";

export interface BreakerSettings {
  /** Connections that fail in a row before calls fail without trying. */
  readonly failures: number;
  /** How long they do. Then one more failure is enough to begin again. */
  readonly openMs: number;
}

export const DEFAULT_BREAKER: BreakerSettings = { failures: 5, openMs: 2_000 };

/** Spares callers the wait for an upstream that cannot be connected, and the upstream the knocking. */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #now: () => number;
  #failures = 0;
  #openUntil = 0;

  constructor(settings: BreakerSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Milliseconds until the next try is allowed; 0 when it is now. */
  get openForMs(): number {
    return this.#failures < this.#settings.failures ? 0 : Math.max(0, this.#openUntil - this.#now());
  }

  /** Throws `upstream_unreachable` while no try is allowed. */
  check(): void {
    const retryAfterMs = this.openForMs;
    if (retryAfterMs === 0) return;
    throw new GatewayError("upstream_unreachable", "the upstream could not be connected lately", {
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
