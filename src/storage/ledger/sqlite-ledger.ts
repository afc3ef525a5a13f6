import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { WorkerThread } from "../sqlite/worker-thread.ts";
import { LedgerReader } from "./ledger-reader.ts";
import { LedgerSpool } from "./ledger-spool.ts";
import { LedgerThread } from "./ledger-thread.ts";
import { DAY_MS, type LedgerKeeping, STOP_MS, type StoredLedger } from "./stored-ledger.ts";

/** What the ledger in SQLite needs. */
export interface LedgerOptions extends LedgerKeeping {
  readonly directory: string;
  /** The thread that writes it; by default its own. */
  readonly thread?: WorkerThread | undefined;
  /** Identifies this run in the rows that it opens. */
  readonly instance: string;
}

/**
 * Opens the ledger, `ledger.db` in a directory, and closes the rows that dead runs left open. Rejects with
 * `ledger_unavailable` when it cannot be used.
 */
export async function openSqliteLedger(options: LedgerOptions): Promise<StoredLedger> {
  const { directory, instance, openWaitMs, retentionDays, news, clock } = options;
  const thread = new LedgerThread(
    { directory, instance, retentionMs: retentionDays * DAY_MS, busyMs: openWaitMs },
    (streams) => news({ kind: "lost", streams }),
    options,
  );
  try {
    await thread.start();
  } catch (cause) {
    const reason = isNativeError(cause) ? cause.message : String(cause);
    throw new GatewayError("ledger_unavailable", `the ledger in ${directory} cannot be used: ${reason}`, { cause });
  }
  const spool = new LedgerSpool({ ...options, writer: thread, strict: options.mode === "strict", now: clock.now });
  const reader = new LedgerReader(directory);
  return {
    open: (row, needed) => spool.open(row, needed),
    close: (row) => spool.close(row),
    get available() {
      return spool.available;
    },
    get waitingRows() {
      return spool.rows;
    },
    usage: (query) => reader.usage(query),
    cells: (query) => reader.cells(query),
    async spentSince(wallMs, except = []) {
      try {
        return await thread.spentSince(wallMs, except);
      } catch (cause) {
        throw new GatewayError("ledger_unavailable", "the ledger cannot be read", { cause });
      }
    },
    async settle(dead) {
      try {
        const streams = await thread.settle(dead);
        if (streams > 0) news({ kind: "lost", streams });
        return streams;
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause;
        throw new GatewayError("ledger_unavailable", "the ledger cannot be written", { cause });
      }
    },
    async stop() {
      const rows = await spool.stop(STOP_MS);
      if (rows > 0) news({ kind: "dropped", rows });
      await thread.close(STOP_MS);
    },
  };
}
