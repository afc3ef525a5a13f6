import { Worker } from "node:worker_threads";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Spent, UsageReport } from "../../core/ledger/ledger.ts";
import type { CellsQuery, UsageCells } from "../../core/ledger/usage-cells.ts";
import type { UsageQuery } from "../../core/ledger/usage-query.ts";
import { workerFile } from "../sqlite/worker-file.ts";
import type { LedgerQuestion } from "./ledger-reader-worker.ts";

const WORKER = workerFile("ledger-reader-worker", import.meta.url);

/** Questions that may wait for one another. */
const MAX_WAITING = 16;

/**
 * Asks a ledger from a thread that lives for one question: adding up a year takes seconds, which neither the event loop
 * nor the writing thread has. One at a time, so that questions do not take all processors.
 */
export class LedgerReader {
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  usage(query: UsageQuery): Promise<UsageReport> {
    return this.#ask({ name: "usage", query });
  }

  cells(query: CellsQuery): Promise<UsageCells> {
    return this.#ask({ name: "cells", query });
  }

  spentSince(wallMs: number): Promise<readonly Spent[]> {
    return this.#ask({ name: "spentSince", wallMs });
  }

  async #ask<Answer>(question: LedgerQuestion): Promise<Answer> {
    if (this.#waiting >= MAX_WAITING) throw new GatewayError("overloaded", "too many questions to the ledger");
    this.#waiting++;
    const before = this.#last;
    const answer = before.then(() => this.#answer<Answer>(question));
    this.#last = answer.catch(() => {});
    try {
      return await answer;
    } catch (cause) {
      throw new GatewayError("ledger_unavailable", "the ledger cannot be read", { cause });
    } finally {
      this.#waiting--;
    }
  }

  #answer<Answer>(question: LedgerQuestion): Promise<Answer> {
    const worker = new Worker(WORKER, { workerData: { directory: this.#directory, question } });
    return new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("its thread ended")));
    });
  }
}
