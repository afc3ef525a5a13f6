import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const US_PER_TICK = 1e6 / TICKS_PER_SECOND;
const KIB = 1024;
/** Fields of /proc/<pid>/stat, counted from behind the name's closing parenthesis: utime and stime (proc(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
/** Fields of the first line of /proc/stat that are no work: idle and iowait. */
const IDLE = [3, 4];

/** User and system time of some processes with all their threads, in microseconds; undefined without /proc. */
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

/** Busy time of all cores since boot, in microseconds. */
export function machineCpuUs(): number | undefined {
  const line = read("/proc/stat")?.split("\n", 1)[0];
  if (line === undefined) return undefined;
  // The last two fields, guest times, are already in the first two.
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return fields.reduce((sum, ticks, index) => sum + (IDLE.includes(index) ? 0 : ticks), 0) * US_PER_TICK;
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

/** Threads of some processes; undefined without /proc. */
export function threadCount(pids: readonly number[]): number | undefined {
  const counts = pids.map((pid) => Number(/^Threads:\s*(\d+)/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1]));
  const sum = counts.reduce((total, count) => total + count, 0);
  return pids.length === 0 || Number.isNaN(sum) ? undefined : sum;
}

/** Milliseconds since the start of a run, and bytes. */
export type Sample = readonly [number, number];

const SAMPLE_MS = 100;

/** Samples the resident memory of some processes. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    const since = performance.now();
    const sample = () => {
      const bytes = residentBytes(pids);
      if (bytes !== undefined) this.samples.push([Math.round(performance.now() - since), bytes]);
    };
    sample();
    this.#timer = setInterval(sample, SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has exited, or this is not Linux.
    return undefined;
  }
}
