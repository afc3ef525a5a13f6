import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { createDataFile } from "./data-directory.ts";

// A run of the gateway is alive while it holds its lock, which the system releases when the process ends. Without clocks,
// process ids or heartbeats, neither a changed clock nor a slow machine makes a running gateway look dead. Each run locks
// an empty file of its own, through SQLite, because Node has no file locks.

/** What a run locks: its rows in the ledger, or the data directory. */
export type LockKind = "ledger" | "gateway";

/** A lock held until it is closed or the process ends. */
export interface Lock {
  close(): void;
}

/** How long a run waits for its own lock: another run's check holds it for a moment. */
const OWN_WAIT_MS = 5_000;

/** SQLite's result code for a file that another process has locked. */
const BUSY = 5;

const fileOf = (directory: string, kind: LockKind, instance: string): string =>
  join(directory, `${kind}-${instance}.lock`);

/** Takes this run's lock. Throws when it cannot. */
export function holdLock(directory: string, kind: LockKind, instance: string): Lock {
  const file = fileOf(directory, kind, instance);
  for (;;) {
    const lock = tryLock(file, OWN_WAIT_MS);
    if (!("close" in lock)) throw new Error(`${file} cannot be locked`);
    // Otherwise a check between its creation and its locking took it for a dead run's and removed it: try again.
    if (existsSync(file)) return { close: () => giveUp(file, lock) };
    lock.close();
  }
}

/**
 * The runs that hold their locks. Removes the files of dead runs. A run whose lock cannot be checked, such as another
 * user's, is `unclear`.
 */
export function liveInstances(
  directory: string,
  kind: LockKind,
): { readonly held: readonly string[]; readonly unclear: readonly string[] } {
  const name = new RegExp(`^${kind}-(.+)\\.lock$`);
  const instances = readdirSync(directory).flatMap((file) => name.exec(file)?.[1] ?? []);
  const states = Map.groupBy(instances, (instance) => look(fileOf(directory, kind, instance)));
  return { held: states.get("held") ?? [], unclear: states.get("unclear") ?? [] };
}

/** Runs `work` under a lock of this name in the directory. Throws when the lock cannot be taken, or what `work` throws. */
export function alone<Result>(directory: string, name: string, work: () => Result): Result {
  const file = join(directory, `${name}.lock`);
  // Never removed: a process that waits for a lock on a removed file would exclude nobody.
  const lock = tryLock(file, OWN_WAIT_MS);
  if (!("close" in lock)) throw new Error(`${file} cannot be locked`);
  try {
    return work();
  } finally {
    lock.close();
  }
}

function look(file: string): "held" | "unclear" | "free" {
  const lock = tryLock(file, 0);
  if (!("close" in lock)) return lock.why;
  giveUp(file, lock);
  return "free";
}

/** Removes the file before unlocking it, so that no other process takes the lock in between. */
function giveUp(file: string, lock: DatabaseSync): void {
  rmSync(file, { force: true });
  lock.close();
}

/** The lock, or why it cannot be taken. */
function tryLock(file: string, waitMs: number): DatabaseSync | { readonly why: "held" | "unclear" } {
  let lock: DatabaseSync | undefined;
  try {
    createDataFile(file);
    lock = new DatabaseSync(file, { timeout: waitMs });
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    return {
      why: isNativeError(error) && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY ? "held" : "unclear",
    };
  }
}
