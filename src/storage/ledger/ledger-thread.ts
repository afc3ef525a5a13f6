import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { workerFile } from "../sqlite/worker-file.ts";
import type { LedgerWrite } from "./ledger-rows.ts";
import type { LedgerWriter } from "./ledger-spool.ts";
import type { FromLedgerWorker, LedgerWorkerOptions, ToLedgerWorker } from "./ledger-worker.ts";

const WORKER = workerFile("ledger-worker", import.meta.url);

/** The writing thread, seen from the event loop. One that died is started again by the next batch. */
export class LedgerThread implements LedgerWriter {
  readonly #options: LedgerWorkerOptions;
  readonly #lost: (streams: number) => void;
  #worker: Worker | undefined;
  #reply: PromiseWithResolvers<number> | undefined;

  /** `lost` is told how many streams of dead runs were settled. */
  constructor(options: LedgerWorkerOptions, lost: (streams: number) => void) {
    this.#options = options;
    this.#lost = lost;
  }

  /** Resolves when the ledger can be written. Rejects when it cannot be opened. */
  start(): Promise<void> {
    const worker = new Worker(WORKER, { workerData: this.#options });
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromLedgerWorker) => {
        this.#worker = worker;
        this.#heard(message);
        resolve();
      });
      // An error is always followed by the exit.
      worker.on("error", reject);
      worker.once("exit", () => {
        const ended = new Error("its thread ended");
        this.#worker = undefined;
        this.#reply?.reject(ended);
        reject(ended);
      });
    });
  }

  async write(rows: readonly LedgerWrite[]): Promise<number> {
    if (!this.#worker) await this.start();
    this.#reply = Promise.withResolvers();
    this.#worker?.postMessage(rows satisfies ToLedgerWorker);
    return this.#reply.promise;
  }

  /** Resolves when the thread has ended, which it does behind what it is doing; after so many milliseconds it must. */
  async close(ms: number): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, "exit");
    worker.postMessage("close" satisfies ToLedgerWorker);
    const timer = setTimeout(() => void worker.terminate(), ms);
    await ended;
    clearTimeout(timer);
  }

  #heard(message: FromLedgerWorker): void {
    if ("lost" in message) {
      if (message.lost > 0) this.#lost(message.lost);
    } else if ("refused" in message) this.#reply?.resolve(message.refused);
    else this.#reply?.reject(new Error(message.failure));
  }
}
