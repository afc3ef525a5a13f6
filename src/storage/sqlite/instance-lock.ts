import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isNativeError } from "node:util/types";
import { createDataFile } from "./data-directory.ts";

// Whether a run of the gateway lives is told by a lock that the system gives up with its process. No clock, process id or
// heartbeat is asked, so neither a set clock nor a slow machine makes a living run look dead. Each run locks an empty
// file of its own; SQLite does the locking, as Node has no call for it.

/** What a run locks: its rows in the ledger, or the data directory as a whole. */
export type LockKind = "ledger" | "gateway";

export interface Lock {
  close(): void;
}

/** How long a run waits for its own lock: others hold it for the moment of a look. */
const OWN_WAIT_MS = 5_000;

/** SQLite's result code for a file that somebody else has locked. */
const BUSY = 5;

const fileOf = (directory: string, kind: LockKind, instance: string): string =>
  join(directory, `${kind}-${instance}.lock`);

/** Holds the lock of this run until it is closed or its process ends. Throws when it cannot be taken. */
export function holdLock(directory: string, kind: LockKind, instance: string): Lock {
  const file = fileOf(directory, kind, instance);
  for (;;) {
    const lock = tryLock(file, OWN_WAIT_MS);
    if (!("close" in lock)) throw new Error(`${file} cannot be locked`);
    // A look between its making and its locking took it for one of a dead run, and removed it.
    if (existsSync(file)) return { close: () => giveUp(file, lock) };
    lock.close();
  }
}

/**
 * The runs that hold their locks; files of dead runs are removed. Those of which it cannot be told, such as another
 * user's, are `unclear`.
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

/** Does this while nobody else in the directory does anything by the same name. Throws when that cannot be had. */
export function alone<Result>(directory: string, name: string, work: () => Result): Result {
  const file = join(directory, `${name}.lock`);
  // It stays there: who waits for a lock on a file that is removed would share it with nobody.
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

/** Removes the file while it is still locked: nobody can take it in between. */
function giveUp(file: string, lock: DatabaseSync): void {
  rmSync(file, { force: true });
  lock.close();
}

/** The lock, or why it cannot be had. */
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
