/** The thread that writes the ledger: one batch at a time, as it comes; settles what dead runs left; forgets old rows. */
import { parentPort, workerData } from "node:worker_threads";
import { holdLock, liveInstances } from "../sqlite/instance-lock.ts";
import { LedgerDatabase } from "./ledger-database.ts";
import type { LedgerWrite } from "./ledger-rows.ts";

export interface LedgerWorkerOptions {
  readonly directory: string;
  /** Names this run of the gateway. */
  readonly instance: string;
  readonly retentionMs: number;
  /** How long a statement waits for another process. */
  readonly busyMs: number;
}

export type ToLedgerWorker = readonly LedgerWrite[] | "close";
export type FromLedgerWorker =
  /** Ready at the start, and after each look for dead runs that found some: so many streams were settled as lost. */
  { readonly lost: number } | { readonly refused: number } | { readonly failure: string };

/** Between two looks for runs that died and rows that are too old. */
const SWEEP_MS = 600_000;

if (!parentPort) throw new Error("this file runs as a worker thread");
const port = parentPort;
const { directory, instance, retentionMs, busyMs } = workerData as LedgerWorkerOptions;
const database = new LedgerDatabase(directory, { instance, busyMs });
const lock = holdLock(directory, "ledger", instance);

const tell = (message: FromLedgerWorker): void => port.postMessage(message);

/** A run of which it cannot be told may live: what it left open waits. */
function living(): ReadonlySet<string> {
  const { held, unclear } = liveInstances(directory, "ledger");
  return new Set([...held, ...unclear]);
}

function sweep(): number {
  const lost = database.sweep(living, Date.now());
  database.prune(Date.now() - retentionMs);
  return lost;
}

const sweeping = setInterval(() => {
  try {
    const lost = sweep();
    if (lost > 0) tell({ lost });
  } catch {
    // The store is busy or broken: the next batch says so, and there is a next look.
  }
}, SWEEP_MS);

port.on("message", (message: ToLedgerWorker) => {
  if (message === "close") {
    clearInterval(sweeping);
    database.close();
    lock.close();
    // Nothing is left to keep the thread: it ends.
    port.close();
    return;
  }
  try {
    tell({ refused: database.write(message) });
  } catch (error) {
    tell({ failure: reasonOf(error) });
  }
});

tell({ lost: sweep() });

/** SQLite's own words for the kind of failure: unlike the message they hold nothing of the rows. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown failure";
  return "errstr" in error ? String(error.errstr) : error.name;
}
