import type { Spent } from "../../core/ledger/ledger.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside, type WorkerThread } from "../sqlite/worker-thread.ts";
import type { LedgerWrite } from "./ledger-rows.ts";
import type { LedgerOperations, LedgerServiceOptions } from "./ledger-service.ts";
import type { LedgerWriter } from "./ledger-spool.ts";

/** Between two sweeps for runs that died and rows past their retention. */
const SWEEP_MS = 600_000;

/** The thread that writes the ledger, as the event loop sees it. */
export class LedgerThread implements LedgerWriter {
  readonly #channel: WorkerChannel<LedgerOperations>;
  readonly #lost: (streams: number) => void;
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * `lost` is called with how many rows of dead runs were closed, whenever there were some. Runs in `thread`, by default
   * its own.
   */
  constructor(options: LedgerServiceOptions, lost: (streams: number) => void, thread?: WorkerThread) {
    const program = fileBeside("ledger-service", import.meta.url);
    this.#channel = new WorkerChannel({ program, data: options, thread });
    this.#lost = lost;
  }

  /** Opens the ledger and closes the rows that dead runs left open. Rejects when it cannot be opened. */
  async start(): Promise<void> {
    await this.#channel.start();
    await this.#sweep();
    // What is left is deleted while the gateway runs.
    if (await this.#channel.call("prune")) void this.#prune();
    this.#sweeping = setInterval(async () => {
      // A busy or broken store shows at the next batch, and there is a next sweep.
      await this.#sweep().catch(() => {});
      await this.#prune();
    }, SWEEP_MS).unref();
  }

  /** Commits a batch, in a new thread if the last one died. Rejects when the batch was not acknowledged. */
  write(rows: readonly LedgerWrite[]): Promise<number> {
    return this.#channel.call("write", rows);
  }

  /** What each key spent since `wallMs`. For the start: it holds up what the thread writes. */
  spentSince(wallMs: number): Promise<readonly Spent[]> {
    return this.#channel.call("spentSince", wallMs);
  }

  /** Closes the ledger once its current batch is finished; gives up after `ms`. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeping);
    await this.#channel.close(ms);
  }

  /** In steps, between which the thread does other work. */
  async #prune(): Promise<void> {
    while (!this.#closed && (await this.#channel.call("prune").catch(() => false)));
  }

  async #sweep(): Promise<void> {
    const lost = await this.#channel.call("sweep");
    if (lost > 0) this.#lost(lost);
  }
}
