import type { Hold } from "./hold.ts";
import type { Money } from "./money.ts";

/** Reports to Redis what this node's streams have spent, each time that has changed. */
export class SpendingReports {
  readonly #money: Pick<Money, "spent">;
  /** The tokens of each stream's last report. */
  readonly #reported = new Map<Hold, number>();

  constructor(money: Pick<Money, "spent">) {
    this.#money = money;
  }

  /** Sends what has changed. Rejects as `RedisLink.run` does. */
  async send(holds: Iterable<Hold>): Promise<void> {
    const reports: Promise<unknown>[] = [];
    for (const hold of holds) {
      if (!hold.isHeld || hold.tokens === (this.#reported.get(hold) ?? 0)) continue;
      this.#reported.set(hold, hold.tokens);
      reports.push(this.#money.spent(hold));
    }
    await Promise.all(reports);
  }

  /** Redis may not have had the last reports: each is sent again. */
  repeat(): void {
    this.#reported.clear();
  }

  /** The stream needs no further report. */
  over(hold: Hold): void {
    this.#reported.delete(hold);
  }
}
