import { GatewayError } from "../../core/kernel/errors.ts";

/** Between two sweeps, by default. */
const SWEEP_MS = 600_000;

/** What keeps a stored ledger in order. */
export interface Upkept {
  /** Closes the rows dead runs left open, and resolves with how many. */
  sweep(): Promise<number>;
  /** Deletes some of the rows past their retention, and resolves with whether there may be more. */
  prune(): Promise<boolean>;
}

/**
 * Settles one dead run after the other, and resolves with how many rows that closed. A run of which is not to be learned now what is
 * known waits for the next sweep.
 */
export async function settleEach(
  dead: readonly string[],
  settle: (instance: string) => Promise<number>,
): Promise<number> {
  let closed = 0;
  for (const instance of dead) {
    try {
      closed += await settle(instance);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }
  return closed;
}

/** Closes the rows of dead runs and deletes old rows, at the start and again and again. */
export class LedgerUpkeep {
  readonly #ledger: Upkept;
  readonly #lost: (streams: number) => void;
  readonly #everyMs: number;
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;

  /** `lost` is called with how many rows of dead runs were closed, whenever there were some. */
  constructor(ledger: Upkept, lost: (streams: number) => void, everyMs: number = SWEEP_MS) {
    this.#ledger = ledger;
    this.#everyMs = everyMs;
    this.#lost = lost;
  }

  /** Closes the rows that dead runs left open. Rejects when that fails. */
  async start(): Promise<void> {
    await this.#sweep();
    // What is left is deleted while the gateway runs.
    if (await this.#ledger.prune()) void this.#prune();
    this.#sweeping = setInterval(async () => {
      // A busy or broken store shows at the next batch, and there is a next sweep.
      await this.#sweep().catch(() => {});
      await this.#prune();
    }, this.#everyMs).unref();
  }

  /** Begins nothing further. */
  stop(): void {
    this.#closed = true;
    clearInterval(this.#sweeping);
  }

  /** In steps, between which the store does other work. */
  async #prune(): Promise<void> {
    while (!this.#closed && (await this.#ledger.prune().catch(() => false)));
  }

  async #sweep(): Promise<void> {
    const lost = await this.#ledger.sweep();
    if (lost > 0) this.#lost(lost);
  }
}
