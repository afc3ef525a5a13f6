import type { Spent } from "../../core/ledger/ledger.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside, type WorkerThread } from "../sqlite/worker-thread.ts";
import { closingWrite, type LedgerWrite } from "./ledger-rows.ts";
import type { LedgerOperations, LedgerServiceOptions } from "./ledger-service.ts";
import type { LedgerWriter } from "./ledger-spool.ts";
import { LedgerUpkeep, settleEach } from "./ledger-upkeep.ts";
import type { Recall } from "./stored-ledger.ts";

/** The thread that writes the ledger, as the event loop sees it. */
export class LedgerThread implements LedgerWriter {
  readonly #channel: WorkerChannel<LedgerOperations>;
  readonly #upkeep: LedgerUpkeep;
  readonly #recall: Recall;

  /**
   * `lost` is called with how many rows of dead runs were closed, whenever there were some. Runs in `thread`, by default
   * its own.
   */
  constructor(
    options: LedgerServiceOptions,
    lost: (streams: number) => void,
    { thread, recall = async () => [] }: { thread?: WorkerThread | undefined; recall?: Recall | undefined } = {},
  ) {
    this.#recall = recall;
    const program = fileBeside("ledger-service", import.meta.url);
    const channel = new WorkerChannel<LedgerOperations>({ program, data: options, thread });
    this.#channel = channel;
    this.#upkeep = new LedgerUpkeep({ sweep: () => this.#sweep(), prune: () => channel.call("prune") }, lost);
  }

  /** Opens the ledger and closes the rows that dead runs left open. Rejects when it cannot be opened. */
  async start(): Promise<void> {
    await this.#channel.start();
    await this.#upkeep.start();
  }

  /** Commits a batch, in a new thread if the last one died. Rejects when the batch was not acknowledged. */
  write(rows: readonly LedgerWrite[]): Promise<number> {
    return this.#channel.call("write", rows);
  }

  /** Closes the rows that another run left open. Resolves with how many. Rejects as `recall` does, too. */
  async settle(instance: string): Promise<number> {
    const left = await this.#channel.call("leftBy", instance);
    const known = left.length > 0 ? await this.#recall(left) : [];
    return this.#channel.call("settle", instance, known.map(closingWrite));
  }

  /** What each key spent since `wallMs`, but for these streams. For the start: it holds up what the thread writes. */
  spentSince(wallMs: number, except: readonly string[]): Promise<readonly Spent[]> {
    return this.#channel.call("spentSince", wallMs, except);
  }

  async #sweep(): Promise<number> {
    return settleEach(await this.#channel.call("dead"), (instance) => this.settle(instance));
  }

  /** Closes the ledger once its current batch is finished; gives up after `ms`. */
  async close(ms: number): Promise<void> {
    this.#upkeep.stop();
    await this.#channel.close(ms);
  }
}
