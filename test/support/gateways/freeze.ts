import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { LEDGER_FILE } from "../../../src/storage/ledger/ledger-database.ts";
import { DATABASE_FILE } from "../../../src/storage/transcripts/sqlite-database.ts";

/**
 * Stops a process while it writes nothing in this data directory: a lock on a database that it held would keep all others from
 * writing for as long as it stands still.
 */
export async function freeze(pid: number, directory: string): Promise<void> {
  const files = [DATABASE_FILE, LEDGER_FILE].map((name) => join(directory, name)).filter(existsSync);
  for (;;) {
    process.kill(pid, "SIGSTOP");
    while (!hasStopped(pid)) await setTimeout(1);
    if (files.every(canBeWritten)) return;
    process.kill(pid, "SIGCONT");
    await setTimeout(20);
  }
}

/** Whether all of its threads stand still, as far as the system tells. */
function hasStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return true;
  return readdirSync(threads).every((thread) => /\) [Tt] /.test(readFileSync(join(threads, thread, "stat"), "utf8")));
}

/** Others may write at the same moment, but not for long. */
function canBeWritten(file: string): boolean {
  using database = new DatabaseSync(file, { timeout: 1_000 });
  try {
    database.exec("BEGIN IMMEDIATE");
    database.exec("ROLLBACK");
    return true;
  } catch {
    return false;
  }
}
