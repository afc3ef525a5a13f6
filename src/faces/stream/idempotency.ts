import { BoundedMap } from "../../core/kernel/bounded-map.ts";
import type { Clock } from "../../core/kernel/clock.ts";

export interface IdempotencyLimits {
  readonly idempotencyMs: number;
  /** Keys remembered at once; the oldest is forgotten first. */
  readonly idempotencyKeys: number;
}

interface Remembered {
  readonly streamId: string;
  /** What was asked for: the same key for another request is an error of the client. */
  readonly request: string;
  readonly at: number;
}

/** Remembers which open made which stream, so that an open sent again attaches to it instead of being billed twice. */
export class IdempotencyKeys {
  readonly #limits: IdempotencyLimits;
  readonly #clock: Clock;
  readonly #known: BoundedMap<string, Remembered>;

  constructor(limits: IdempotencyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#known = new BoundedMap(limits.idempotencyKeys);
  }

  find(caller: string, key: string): Remembered | undefined {
    const oldest = this.#clock.now() - this.#limits.idempotencyMs;
    this.#known.forgetWhile(({ at }) => at < oldest);
    return this.#known.get(`${caller}\n${key}`);
  }

  remember(caller: string, key: string, streamId: string, request: string): void {
    this.#known.set(`${caller}\n${key}`, { streamId, request, at: this.#clock.now() });
  }
}
