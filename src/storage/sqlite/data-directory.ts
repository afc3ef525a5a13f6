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

/** Longest path quoted in full in a message, in characters; the system allows 4,096 bytes. */
const MAX_QUOTED = 256;

/** The operating system's reasons, by its code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user has no permission",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its symbolic links form a loop",
  ENOSPC: "the disk is full",
  EDQUOT: "this user's disk quota is used up",
  ENOENT: "files cannot be created in it",
};

/**
 * Creates the data directory and checks that files can be created in it. Throws `store_unavailable` with the directory,
 * the reason and `setting`, the option to change, such as `--data`.
 */
export function openDataDirectory(path: string, setting: string): void {
  try {
    makeDirectory(path);
    tryFile(path);
  } catch (cause) {
    const shown = path.length > MAX_QUOTED ? `${path.slice(0, MAX_QUOTED)}…` : path;
    const message = `the data directory ${shown} cannot be used: ${reasonOf(cause)}; set ${setting} to another one`;
    throw new GatewayError("store_unavailable", message, { cause });
  }
}

/**
 * Permission bits. Data is private to its owner unless the umask lets the group write. Then a group shares it, as in
 * containers that start under a different user of one group each time. The umask shows in the mode of a new file.
 */
const GROUP = 0o070;
const GROUP_WRITES = 0o020;

/** Creates a file for its owner, and for the group where the umask lets it write. Throws EEXIST when it exists. */
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
 * Creates an empty data file unless it exists. SQLite would make it readable to all, and its log files with it. An
 * existing file is not opened: closing it would release this process's locks on it (POSIX).
 */
export function createDataFile(file: string): void {
  try {
    makeFile(file);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/**
 * Creates a directory and its parents, for their owner, and for the group where the umask lets it write. Throws with the
 * reason. Node's recursive `mkdir` takes every ENOENT for a missing parent, and so never returns below /proc.
 */
export function makeDirectory(path: string): void {
  if (path.includes("\0")) throw new Error("the name contains a NUL character");
  const missing: string[] = [];
  // Ends at the root at the latest.
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) makeOne(each);
}

/** False when the path does not exist. Throws when it is not a directory. */
function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw new Error(`${path} is not a directory`);
  return found !== undefined;
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o770 });
    const { mode } = statSync(path);
    if ((mode & GROUP_WRITES) === 0) chmodSync(path, mode & ~GROUP);
  } catch (error) {
    // Another thread or process created it first.
    if (isDirectory(path)) return;
    if (lstatSync(path, { throwIfNoEntry: false })) throw new Error(`${path} is a dangling link`);
    throw new Error(`${path} cannot be created in ${dirname(path)} (${codeOf(error)})`);
  }
}

/** Creates a file, the only reliable check: modes say nothing about /proc or a read-only mount. */
function tryFile(directory: string): void {
  const file = join(directory, `.try-${randomUUID()}`);
  try {
    makeFile(file);
    unlinkSync(file);
  } catch (error) {
    // On a full disk existing data can still be read, and each failed write is reported.
    if (codeOf(error) !== "ENOSPC" && codeOf(error) !== "EDQUOT") throw error;
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return REASONS[code] ? `${REASONS[code]} (${code})` : isNativeError(error) ? error.message : String(error);
}

const codeOf = (error: unknown): string =>
  isNativeError(error) && "code" in error && typeof error.code === "string" ? error.code : "";
