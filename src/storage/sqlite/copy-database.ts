import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createDataFile } from "./data-directory.ts";

/** How long the copy waits for a process that holds the file, in milliseconds. */
const BUSY_MS = 10_000;

/**
 * Copies a database as it is at one moment, even while other processes write it: they do not wait. The copy is private to
 * its owner like the original, compacted, and checked. Returns its size in bytes, or undefined if there is no such
 * database. Throws when it cannot be read, or when the copy's file is not empty.
 */
export function copyDatabase(from: string, to: string): number | undefined {
  if (!existsSync(from)) return undefined;
  createDataFile(to);
  using database = new DatabaseSync(from, { readOnly: true, timeout: BUSY_MS });
  // In one read transaction, unlike SQLite's own backup, which begins again after each write of another process.
  database.prepare("VACUUM INTO ?").run(to);
  using copy = new DatabaseSync(to, { readOnly: true });
  const { quick_check: found } = copy.prepare("PRAGMA quick_check").get() ?? {};
  if (found !== "ok") throw new Error(`the copy ${to} is damaged: ${String(found)}`);
  return statSync(to).size;
}
