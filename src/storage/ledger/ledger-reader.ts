import type { UsageReport } from "../../core/ledger/ledger.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageQuery } from "../../core/ledger/usage-query.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside } from "../sqlite/worker-thread.ts";
import type { LedgerQuestions } from "./ledger-reader-service.ts";
import { QuestionQueue } from "./question-queue.ts";

const PROGRAM = fileBeside("ledger-reader-service", import.meta.url);

/** A question that was answered left nothing to finish. */
const CLOSE_MS = 1_000;

/**
 * Reads the ledger in a thread that lives for one question: adding up a year takes seconds, which neither the event loop
 * nor the writing thread has.
 */
export class LedgerReader {
  readonly #directory: string;
  readonly #questions = new QuestionQueue();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Rejects with `ledger_unavailable`, or `overloaded` when too many questions wait; so do the others. */
  usage(query: UsageQuery): Promise<UsageReport> {
    return this.#ask((ledger) => ledger.call("usage", query));
  }

  cells(query: CellsQuery): Promise<UsageCells> {
    return this.#ask((ledger) => ledger.call("cells", query));
  }

  #ask<Result>(question: (ledger: WorkerChannel<LedgerQuestions>) => Promise<Result>): Promise<Result> {
    return this.#questions.ask(async () => {
      const ledger = new WorkerChannel<LedgerQuestions>({ program: PROGRAM, data: this.#directory });
      try {
        return await question(ledger);
      } finally {
        await ledger.close(CLOSE_MS);
      }
    });
  }
}
