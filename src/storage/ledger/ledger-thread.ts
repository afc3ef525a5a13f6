import { WorkerChannel, workerFile } from "../sqlite/worker-channel.ts";
import type { LedgerWrite } from "./ledger-rows.ts";
import type { LedgerWriter } from "./ledger-spool.ts";
import type { LedgerOperations, LedgerWorkerOptions } from "./ledger-worker.ts";

/** Between two sweeps for runs that died and rows past their retention. */
const SWEEP_MS = 600_000;

/** The thread that writes the ledger, as the event loop sees it. */
export class LedgerThread implements LedgerWriter {
  readonly #channel: WorkerChannel<LedgerOperations>;
  readonly #lost: (streams: number) => void;
  #sweeping: NodeJS.Timeout | undefined;

  /** `lost` is called with how many rows of dead runs were closed, whenever there were some. */
  constructor(options: LedgerWorkerOptions, lost: (streams: number) => void) {
    this.#channel = new WorkerChannel({ program: workerFile("ledger-worker", import.meta.url), data: options });
    this.#lost = lost;
  }

  /** Opens the ledger and closes the rows that dead runs left open. Rejects when it cannot be opened. */
  async start(): Promise<void> {
    await this.#channel.start();
    await this.#sweep();
    this.#sweeping = setInterval(() => {
      // A busy or broken store shows at the next batch, and there is a next sweep.
      this.#sweep().catch(() => {});
    }, SWEEP_MS).unref();
  }

  /** Commits a batch, in a new thread if the last one died. Rejects when the batch was not acknowledged. */
  write(rows: readonly LedgerWrite[]): Promise<number> {
    return this.#channel.call("write", rows);
  }

  /** Ends the thread once it has finished its current batch; terminates it after `ms`. */
  async close(ms: number): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#channel.close(ms);
  }

  async #sweep(): Promise<void> {
    const lost = await this.#channel.call("sweep");
    if (lost > 0) this.#lost(lost);
  }
}
