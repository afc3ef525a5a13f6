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
  readonly #known = new Map<string, Remembered>();

  constructor(limits: IdempotencyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  find(caller: string, key: string): Remembered | undefined {
    this.#forgetOld();
    return this.#known.get(`${caller}\n${key}`);
  }

  remember(caller: string, key: string, streamId: string, request: string): void {
    this.#known.set(`${caller}\n${key}`, { streamId, request, at: this.#clock.now() });
    this.#forgetOld();
  }

  /** Keys are in order of age: a Map keeps the order of insertion. */
  #forgetOld(): void {
    const oldest = this.#clock.now() - this.#limits.idempotencyMs;
    for (const [key, { at }] of this.#known) {
      if (at >= oldest && this.#known.size <= this.#limits.idempotencyKeys) return;
      this.#known.delete(key);
    }
  }
}
