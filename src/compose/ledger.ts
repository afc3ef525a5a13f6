import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { LedgerNews } from "../core/ledger/ledger.ts";
import { createMemoryLedger, NO_LEDGER } from "../storage/ledger/memory-ledger.ts";
import { openSqliteLedger } from "../storage/ledger/sqlite-ledger.ts";
import type { StoredLedger } from "../storage/ledger/stored-ledger.ts";
import type { WorkerThread } from "../storage/sqlite/worker-thread.ts";

/**
 * Opens the configured ledger, written by `thread`. It has its own file, so that a damaged one affects nothing else, and
 * it can be kept and copied separately. Rejects with `ledger_unavailable`.
 */
export async function connectLedger(
  { ledger, data }: Config,
  thread: WorkerThread,
  clock: Clock,
  news: (news: LedgerNews) => void,
): Promise<StoredLedger> {
  const { mode } = ledger;
  if (mode === "off") return NO_LEDGER;
  if (data.store === "memory") return createMemoryLedger();
  return openSqliteLedger({ ...ledger, mode, directory: data.directory, thread, clock, news });
}
