import type { Clock } from "../../core/kernel/clock.ts";
import type { Ledger, LedgerNews } from "../../core/ledger/ledger.ts";

/** How a ledger that lasts is kept. */
export interface LedgerKeeping {
  readonly mode: "alongside" | "strict";
  /** Rows that may wait in memory; beyond that, opens are refused. */
  readonly spoolRows: number;
  /** How long an open waits for its commit, and a commit for another process that holds the file. */
  readonly openWaitMs: number;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly news: (news: LedgerNews) => void;
}

/** A ledger that the composition root starts and stops. */
export interface StoredLedger extends Ledger {
  /** Rows not yet committed. */
  readonly waitingRows: number;
  /**
   * Closes the rows that another run left open, which is known to be dead or to write no more, as `lost` with their prompts
   * as the estimate. `instance`: as the run named itself. Resolves with how many rows it closed. Rejects with
   * `ledger_unavailable`.
   */
  settle(instance: string): Promise<number>;
  /** Commits what waits, for a few seconds at most, and closes. */
  stop(): Promise<void>;
}

export const DAY_MS = 86_400_000;
/** How long stopping waits for the last commits, and then again for what writes them to finish its batch. */
export const STOP_MS = 5_000;
