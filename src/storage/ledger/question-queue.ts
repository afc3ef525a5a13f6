import { GatewayError } from "../../core/kernel/errors.ts";

/** Questions that may wait for one another. */
const MAX_WAITING = 16;

/** Asks one question of the ledger at a time, so that adding up a year never takes all there is. */
export class QuestionQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Asks once those before are answered. Rejects with `ledger_unavailable`, or `overloaded` when too many questions wait. */
  async ask<Result>(question: () => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MAX_WAITING) throw new GatewayError("overloaded", "too many questions to the ledger");
    this.#waiting++;
    const result = this.#last.then(question);
    this.#last = result.catch(() => {});
    try {
      return await result;
    } catch (cause) {
      // A question that cannot be asked, such as for an unknown time zone, is refused as it is.
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError("ledger_unavailable", "the ledger cannot be read", { cause });
    } finally {
      this.#waiting--;
    }
  }
}
