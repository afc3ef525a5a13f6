import { randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Longest path quoted whole in a message; the system's own limit is 4,096 bytes. */
const MAX_QUOTED = 256;

/** Reasons of the operating system that speak for themselves, by its code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not do that",
  EPERM: "that is not permitted there",
  EROFS: "it is on a read-only file system",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links lead in a circle",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full for this user",
  ENOENT: "no file can be made in it",
};

/**
 * Makes the data directory and sees that files can be made in it. Throws `store_unavailable` with the directory, the reason
 * and the setting to change, such as `--data`, when it cannot be used.
 */
export function openDataDirectory(path: string, setting: string): void {
  try {
    makeDirectory(path);
    tryFile(path);
  } catch (cause) {
    const shown = path.length > MAX_QUOTED ? `${path.slice(0, MAX_QUOTED)}…` : path;
    const message = `the store cannot be in ${shown}: ${reasonOf(cause)}; set ${setting} to another directory`;
    throw new GatewayError("store_unavailable", message, { cause });
  }
}

/**
 * Permission bits. Data is its owner's alone, unless the umask lets a group write: then a group runs the gateway and its
 * commands together, as in containers that give every start another user of one group. The umask is told by what it leaves.
 */
const GROUP = 0o070;
const GROUP_WRITES = 0o020;

/** Makes a file for its owner, and for its group where the umask lets it write. Throws EEXIST when it is there. */
function makeFile(file: string): void {
  const descriptor = openSync(file, "wx", 0o660);
  try {
    const { mode } = fstatSync(descriptor);
    if ((mode & GROUP_WRITES) === 0) fchmodSync(descriptor, mode & ~GROUP);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes an empty data file unless it is there. SQLite would make it readable to all, and its log files after it. One that
 * is there is left alone: opening and closing it would give up this process' locks on it (POSIX).
 */
export function createDataFile(file: string): void {
  try {
    makeFile(file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/**
 * Makes a directory for its owner (and its group, where the umask lets it write), and those above it. Throws with the reason when it cannot. Node's own recursive
 * `mkdir` takes every ENOENT for a parent that is missing, and so never ends below /proc.
 */
export function makeDirectory(path: string): void {
  if (path.includes("\0")) throw new Error("its name has a NUL character");
  const missing: string[] = [];
  // It ends at the root, which is always there.
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each);
}

/** False when there is nothing. Throws when there is something else. */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw new Error(`${path} is no directory`);
  return found !== undefined;
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o770 });
    const { mode } = statSync(path);
    if ((mode & GROUP_WRITES) === 0) chmodSync(path, mode & ~GROUP);
  } catch (error) {
    // Another thread or process was faster.
    if (isDirectory(path)) return;
    if (lstatSync(path, { throwIfNoEntry: false })) throw new Error(`${path} is a link to nowhere`);
    throw new Error(`${path} cannot be made in ${dirname(path)} (${codeOf(error)})`);
  }
}

/** Whether files can be made is only told by making one: what may be done in /proc or on a mount, modes do not say. */
function tryFile(directory: string): void {
  const file = join(directory, `.try-${randomUUID()}`);
  try {
    makeFile(file);
    unlinkSync(file);
  } catch (error) {
    // What is there already can be read; whoever writes says what could not be.
    if (codeOf(error) !== "ENOSPC" && codeOf(error) !== "EDQUOT") throw error;
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code] ? `${REASONS[code]} (${code})` : isNativeError(error) ? error.message : String(error);
}

const codeOf = (error: unknown): string =>
  isNativeError(error) && "code" in error && typeof error.code === "string" ? error.code : "";
