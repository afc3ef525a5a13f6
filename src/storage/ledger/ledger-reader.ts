import { GatewayError } from "../../core/kernel/errors.ts";
import type { UsageReport } from "../../core/ledger/ledger.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageQuery } from "../../core/ledger/usage-query.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside } from "../sqlite/worker-thread.ts";
import type { LedgerQuestions } from "./ledger-reader-service.ts";

const PROGRAM = fileBeside("ledger-reader-service", import.meta.url);

/** Questions that may wait for one another. */
const MAX_WAITING = 16;

/** A question that was answered left nothing to finish. */
const CLOSE_MS = 1_000;

/**
 * Reads the ledger in a thread that lives for one question: adding up a year takes seconds, which neither the event loop
 * nor the writing thread has. Questions run one at a time, so that they never take all processors.
 */
export class LedgerReader {
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Rejects with `ledger_unavailable`, or `overloaded` when too many questions wait; so do the others. */
  usage(query: UsageQuery): Promise<UsageReport> {
    return this.#queue((ledger) => ledger.call("usage", query));
  }

  cells(query: CellsQuery): Promise<UsageCells> {
    return this.#queue((ledger) => ledger.call("cells", query));
  }

  async #queue<Result>(ask: (ledger: WorkerChannel<LedgerQuestions>) => Promise<Result>): Promise<Result> {
    if (this.#waiting >= MAX_WAITING) throw new GatewayError("overloaded", "too many questions to the ledger");
    this.#waiting++;
    const result = this.#last.then(async () => {
      const ledger = new WorkerChannel<LedgerQuestions>({ program: PROGRAM, data: this.#directory });
      try {
        return await ask(ledger);
      } finally {
        await ledger.close(CLOSE_MS);
      }
    });
    this.#last = result.catch(() => {});
    try {
      return await result;
    } catch (cause) {
      throw new GatewayError("ledger_unavailable", "the ledger cannot be read", { cause });
    } finally {
      this.#waiting--;
    }
  }
}
