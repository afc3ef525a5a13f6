import { GatewayError } from "../../core/kernel/errors.ts";
import type { PostgresDatabase } from "../postgres/database.ts";
import { DeadRuns } from "../postgres/dead-runs.ts";
import { LedgerSpool } from "./ledger-spool.ts";
import { LedgerUpkeep } from "./ledger-upkeep.ts";
import { PostgresQueries } from "./postgres-queries.ts";
import { PostgresLedgerWriter } from "./postgres-writer.ts";
import { QuestionQueue } from "./question-queue.ts";
import { DAY_MS, type LedgerKeeping, STOP_MS, type StoredLedger } from "./stored-ledger.ts";

/** What the ledger in PostgreSQL needs. */
export interface PostgresLedgerOptions extends LedgerKeeping {
  readonly database: PostgresDatabase;
  /** Identifies this run of the gateway. Its lock is held (`RunLock`). */
  readonly instance: string;
  /** Other gateways may run, too. Otherwise all other runs are dead. */
  readonly shared: boolean;
}

/** Between two sweeps: they look for rows of other gateways that died. */
const SWEEP_MS = 30_000;

/**
 * Opens the ledger in PostgreSQL, and closes the rows that dead runs left open. Rejects with `ledger_unavailable` when it
 * cannot be used. The database stays open when it stops.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<StoredLedger> {
  const { database, instance, shared, retentionDays, mode, news, clock, recall } = options;
  const retentionMs = retentionDays * DAY_MS;
  const deadRuns = new DeadRuns(database.schema, { shared, now: clock.now });
  const writer = new PostgresLedgerWriter(database, { instance, retentionMs, deadRuns, recall });
  const lost = (streams: number) => news({ kind: "lost", streams });
  const upkeep = new LedgerUpkeep(writer, lost, shared ? SWEEP_MS : undefined);
  try {
    await upkeep.start();
  } catch (cause) {
    throw database.unusable(cause, "ledger_unavailable");
  }
  const spool = new LedgerSpool({ ...options, writer, strict: mode === "strict", now: clock.now });
  const queries = new PostgresQueries(database);
  const questions = new QuestionQueue();
  return {
    open: (row, needed) => spool.open(row, needed),
    close: (row) => spool.close(row),
    get available() {
      return spool.available;
    },
    get waitingRows() {
      return spool.rows;
    },
    usage: (query) => questions.ask(() => queries.usage(query)),
    cells: (query) => questions.ask(() => queries.cells(query)),
    async spentSince(wallMs, except = []) {
      try {
        return await queries.spentSince(wallMs, instance, except);
      } catch (cause) {
        throw new GatewayError("ledger_unavailable", "the ledger cannot be read", { cause });
      }
    },
    async settle(dead) {
      try {
        const streams = await writer.settle(dead);
        if (streams > 0) lost(streams);
        return streams;
      } catch (cause) {
        throw cause instanceof GatewayError ? cause : database.unusable(cause, "ledger_unavailable");
      }
    },
    async stop() {
      const rows = await spool.stop(STOP_MS);
      if (rows > 0) news({ kind: "dropped", rows });
      upkeep.stop();
    },
  };
}
