/** The thread that writes the ledger. */
import { workerData } from "node:worker_threads";
import { holdLock, liveInstances } from "../sqlite/instance-lock.ts";
import { oneByOne, serve } from "../sqlite/worker-program.ts";
import { LedgerDatabase } from "./ledger-database.ts";
import type { LedgerWrite } from "./ledger-rows.ts";

/** The thread's `workerData`. */
export interface LedgerWorkerOptions {
  readonly directory: string;
  /** Identifies this run of the gateway. */
  readonly instance: string;
  /** How long closed rows are kept. */
  readonly retentionMs: number;
  /** How long a statement waits for another process. */
  readonly busyMs: number;
}

/** What the thread offers. */
export interface LedgerOperations {
  /** Commits rows together and returns how many the tables refused. Throws SQLite's name for what went wrong. */
  write(rows: readonly LedgerWrite[]): number;
  /** Closes the rows dead runs left open, deletes those past their retention, and returns how many it closed. */
  sweep(): number;
}

const { directory, instance, retentionMs, busyMs } = workerData as LedgerWorkerOptions;
const database = new LedgerDatabase(directory, { instance, busyMs });
const lock = holdLock(directory, "ledger", instance);

/** A run whose lock cannot be checked may be alive, so its rows stay open. */
function living(): ReadonlySet<string> {
  const { held, unclear } = liveInstances(directory, "ledger");
  return new Set([...held, ...unclear]);
}

/** SQLite's description of its result code: the error's message could quote a row. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown failure";
  return "errstr" in error ? String(error.errstr) : error.name;
}

serve<LedgerOperations>({
  answer: oneByOne<LedgerOperations>({
    write(rows) {
      try {
        return database.write(rows);
      } catch (error) {
        throw new Error(reasonOf(error));
      }
    },
    sweep() {
      const lost = database.sweep(living, Date.now());
      database.prune(Date.now() - retentionMs);
      return lost;
    },
  }),
  close() {
    database.close();
    lock.close();
  },
});
