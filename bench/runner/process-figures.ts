import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const US_PER_TICK = 1e6 / TICKS_PER_SECOND;
const KIB = 1024;
/** Fields of /proc/<pid>/stat, counted from behind the name's closing parenthesis: utime and stime (proc(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** User and system time of some processes, all their threads included, in microseconds; undefined where there is no /proc. */
export function cpuUs(pids: readonly number[]): number | undefined {
  if (pids.length === 0) return undefined;
  let ticks = 0;
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === undefined) return undefined;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
  }
  return ticks * US_PER_TICK;
}

/** Resident memory of some processes in bytes. */
export function residentBytes(pids: readonly number[]): number | undefined {
  if (pids.length === 0) return undefined;
  let bytes = 0;
  for (const pid of pids) {
    const kib = /^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
    if (kib === undefined) return undefined;
    bytes += Number(kib) * KIB;
  }
  return bytes;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has gone, or this is no Linux.
    return undefined;
  }
}
