import type { Timing } from "../../../protocol/stream.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Counted, Ledger, LedgerClosing, LedgerNews } from "../../core/ledger/ledger.ts";

/** A row that a dead run left open. */
export interface LeftRow {
  readonly stream: string;
  readonly attempt: number;
  readonly openedAt: number;
  /** Its prompt; undefined if an older version opened it. */
  readonly counted: Counted | undefined;
}

/** How a row that was left open is closed: with all that is known of its stream. */
export interface LastRow extends Omit<LedgerClosing, "outcome" | "timing" | "bytes"> {
  readonly outcome: LedgerClosing["outcome"] | "lost";
  readonly timing: Partial<Timing>;
  readonly bytes: number | undefined;
}

/** What is known elsewhere of rows that a dead run left open; those of which nothing is known are left out. Rejects to be asked again later. */
export type Recall = (rows: readonly LeftRow[]) => Promise<readonly LastRow[]>;

/** How a ledger that lasts is kept. */
export interface LedgerKeeping {
  readonly mode: "alongside" | "strict";
  /** Rows that may wait in memory; beyond that, opens are refused. */
  readonly spoolRows: number;
  /** How long an open waits for its commit, and a commit for another process that holds the file. */
  readonly openWaitMs: number;
  readonly retentionDays: number;
  readonly clock: Clock;
  /** By default nothing is known of rows that a dead run left open. */
  readonly recall?: Recall | undefined;
  readonly news: (news: LedgerNews) => void;
}

/** A ledger that the composition root starts and stops. */
export interface StoredLedger extends Ledger {
  /** Rows not yet committed. */
  readonly waitingRows: number;
  /**
   * Closes the rows that another run left open, which is known to be dead or to write no more, as `recall` says, and all others as
   * `lost` with their prompts as the estimate. `instance`: as the run named itself. Resolves with how many rows it closed.
   * Rejects with `ledger_unavailable`, or as `recall` does, and then has closed none.
   */
  settle(instance: string): Promise<number>;
  /** Commits what waits, for a few seconds at most, and closes. */
  stop(): Promise<void>;
}

export const DAY_MS = 86_400_000;
/** How long stopping waits for the last commits, and then again for what writes them to finish its batch. */
export const STOP_MS = 5_000;
