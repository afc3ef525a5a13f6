import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDataFile } from "../storage/sqlite/data-directory.ts";

/** How a reload went, as the gateway tells `sluice reload`. */
export interface ReloadOutcome {
  readonly changed?: readonly string[];
  readonly restart?: readonly string[];
  /** Why nothing has changed. */
  readonly refused?: string;
}

const fileOf = (directory: string, pid: number): string => join(directory, `reload-${pid}.json`);

/** Leaves the outcome of a process's newest reload in its data directory, all at once. Throws when it cannot. */
export function leaveOutcome(directory: string, pid: number, outcome: ReloadOutcome): void {
  const unfinished = `${fileOf(directory, pid)}.new`;
  createDataFile(unfinished);
  writeFileSync(unfinished, JSON.stringify(outcome));
  renameSync(unfinished, fileOf(directory, pid));
}

/** Takes the outcome away; undefined when there is none yet. */
export function takeOutcome(directory: string, pid: number): ReloadOutcome | undefined {
  try {
    const text = readFileSync(fileOf(directory, pid), "utf8");
    rmSync(fileOf(directory, pid), { force: true });
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
