import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

// Whether a run of the gateway lives is told by a lock that the system gives up with its process. No clock, process id or
// heartbeat is asked, so neither a set clock nor a slow machine makes a living run look dead. Each run locks an empty
// file of its own; SQLite does the locking, as Node has no call for it.

const NAME = /^ledger-(.+)\.lock$/;

/** Holds the lock of this run until it is closed or its process ends. Throws when it cannot be taken. */
export function holdLock(directory: string, instance: string): { close(): void } {
  const file = join(directory, `ledger-${instance}.lock`);
  const lock = tryLock(file);
  if (!lock) throw new Error(`somebody holds ${file}`);
  return {
    close() {
      lock.close();
      rmSync(file, { force: true });
    },
  };
}

/** The runs that hold their locks. Those of which it cannot be told count too; files of dead runs are removed. */
export function liveInstances(directory: string): ReadonlySet<string> {
  const instances = readdirSync(directory).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  return new Set(instances.filter((instance) => isHeld(join(directory, `ledger-${instance}.lock`))));
}

function isHeld(file: string): boolean {
  const lock = tryLock(file);
  if (!lock) return true;
  lock.close();
  rmSync(file, { force: true });
  return false;
}

/** The lock, or undefined when it cannot be had. */
function tryLock(file: string): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return lock;
  } catch {
    lock?.close();
    return undefined;
  }
}
