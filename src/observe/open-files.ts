import { readdirSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";

/** The file descriptors of this process: every socket is one. */
export interface OpenFiles {
  /** The soft limit on open files. */
  readonly limit: number;
  /** How many were open when this was created. */
  readonly atStart: number;
  /** How many are open now. Rejects when none is left to count with. */
  count(): Promise<number>;
}

const DESCRIPTORS = "/proc/self/fd";

/** Kept for upstreams and the store, whatever clients do. */
const SPARE_FILES = 64;
const USABLE_SHARE = 0.8;

/** How many of this limit's descriptors may be in use before new connections are refused. */
export const usableFiles = (limit: number): number => Math.floor(Math.min(limit * USABLE_SHARE, limit - SPARE_FILES));

/** Reads this process's descriptors from /proc; undefined anywhere but on Linux. */
export function findOpenFiles(): OpenFiles | undefined {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    if (soft === undefined) return undefined;
    return { limit: Number(soft), atStart: readdirSync(DESCRIPTORS).length, count };
  } catch {
    return undefined;
  }
}

async function count(): Promise<number> {
  // Since Linux 6.2 the size is the count. Listing thousands blocks the event loop for milliseconds.
  const { size } = await stat(DESCRIPTORS);
  return size > 0 ? size : (await readdir(DESCRIPTORS)).length;
}
