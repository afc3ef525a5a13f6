import { type LogBudget, SENT_SHARE } from "./log-budget.ts";
import type { RegisteredStream } from "./registry.ts";

/** The logs of ended streams without a reader, and the order in which they are dropped. */
export class KeptLogs {
  readonly #budget: LogBudget;
  /** Longest waiting first. */
  readonly #kept = new Set<RegisteredStream>();
  /** Those of them that were sent to their end to clients that did not acknowledge it, oldest first, with their sizes. */
  readonly #sent = new Map<RegisteredStream, number>();
  #sentBytes = 0;

  constructor(budget: LogBudget) {
    this.#budget = budget;
  }

  add(registered: RegisteredStream): void {
    this.#kept.add(registered);
  }

  delete(registered: RegisteredStream): void {
    this.#kept.delete(registered);
    this.#sentBytes -= this.#sent.get(registered) ?? 0;
    this.#sent.delete(registered);
  }

  /** Drops one log, which nobody needs again. */
  drop(registered: RegisteredStream): void {
    this.delete(registered);
    registered.stream.log.evict();
  }

  /**
   * A log was sent to its end: it is needed only if what the socket took was lost on its way. Drops the oldest such logs
   * beyond `SENT_SHARE` of the budget, never the newest.
   */
  sent(registered: RegisteredStream): void {
    if (!this.#kept.has(registered) || this.#sent.has(registered)) return;
    const { bytes } = registered.stream.log;
    this.#sent.set(registered, bytes);
    this.#sentBytes += bytes;
    for (const oldest of this.#sent.keys()) {
      if (oldest === registered || this.#sentBytes <= this.#budget.maxBytes * SENT_SHARE) return;
      this.drop(oldest);
    }
  }

  /** Drops logs until less than this share of the budget is used: handled ones first, then the longest waiting. */
  relieve(share: number): void {
    if (!this.#budget.isOver(share)) return;
    const handled = [...this.#kept].filter(({ isHandled }) => isHandled);
    for (const registered of [...handled, ...this.#kept]) {
      if (!this.#budget.isOver(share)) return;
      this.drop(registered);
    }
  }
}
