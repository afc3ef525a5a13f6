import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { LedgerNews } from "../core/ledger/ledger.ts";
import { createMemoryLedger, NO_LEDGER } from "../storage/ledger/memory-ledger.ts";
import { openSqliteLedger, type StoredLedger } from "../storage/ledger/sqlite-ledger.ts";

/**
 * The ledger as the configuration wants it: a file of its own beside the store, so that neither waits for the other's
 * commits, a broken one breaks nothing else, and it can be kept and copied for longer. Rejects with `ledger_unavailable`.
 */
export async function connectLedger(
  { ledger, data }: Config,
  clock: Clock,
  news: (news: LedgerNews) => void,
): Promise<StoredLedger> {
  const { mode } = ledger;
  if (mode === "off") return NO_LEDGER;
  if (data.store === "memory") return createMemoryLedger();
  return openSqliteLedger({ ...ledger, mode, directory: data.directory, clock, news });
}
