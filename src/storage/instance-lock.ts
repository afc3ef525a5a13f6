import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

// Whether a run of the gateway lives is told by a lock that the system gives up with its process. No clock, process id or
// heartbeat is asked, so neither a set clock nor a slow machine makes a living run look dead. Each run locks an empty
// file of its own; SQLite does the locking, as Node has no call for it.

const NAME = /^ledger-(.+)\.lock$/;

/** How long a run waits for its own lock: others hold it for the moment of a look. */
const OWN_WAIT_MS = 5_000;

/** Holds the lock of this run until it is closed or its process ends. Throws when it cannot be taken. */
export function holdLock(directory: string, instance: string): { close(): void } {
  const file = join(directory, `ledger-${instance}.lock`);
  for (;;) {
    const lock = tryLock(file, OWN_WAIT_MS);
    if (!lock) throw new Error(`${file} cannot be locked`);
    // A look between its making and its locking took it for one of a dead run, and removed it.
    if (existsSync(file)) return { close: () => giveUp(file, lock) };
    lock.close();
  }
}

/** The runs that hold their locks. Those of which it cannot be told count too; files of dead runs are removed. */
export function liveInstances(directory: string): ReadonlySet<string> {
  const instances = readdirSync(directory).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return new Set(instances.filter((instance) => isHeld(join(directory, `ledger-${instance}.lock`))));
}

function isHeld(file: string): boolean {
  const lock = tryLock(file, 0);
  if (lock) giveUp(file, lock);
  return lock === undefined;
}

/** Removes the file while it is still locked: nobody can take it in between. */
function giveUp(file: string, lock: DatabaseSync): void {
  rmSync(file, { force: true });
  lock.close();
}

/** The lock, or undefined when it cannot be had. */
function tryLock(file: string, waitMs: number): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout: waitMs });
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch {
    lock?.close();
    return undefined;
  }
}
