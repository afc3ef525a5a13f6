import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

/** Where version 1 keeps the groups that bound memory. */
const ROOT_V1 = "/sys/fs/cgroup/memory";
const CONTROLLERS_V2 = "/sys/fs/cgroup/cgroup.controllers";

/** A bound on memory that the kernel holds a process to: beyond it the process is killed. */
export interface MemoryGroup extends Disposable {
  /** Words before a command that run it within the bound. */
  readonly words: readonly string[];
  /** The most that was taken so far, page cache and the kernel's buffers included, in MiB; undefined where that is not told. */
  readonly peakMib: number | undefined;
}

/** Of cgroups. */
type Version = 1 | 2;

function version(): Version | string {
  if (process.getuid?.() !== 0) return "a memory limit of the kernel needs root";
  if (contentOf(CONTROLLERS_V2)?.split(/\s/).includes("memory") && hasSystemd()) return 2;
  // The root group itself tells of no limit that could be set.
  if (contentOf(`${ROOT_V1}/memory.use_hierarchy`) !== undefined) return 1;
  return "a memory limit of the kernel needs cgroup v1, or cgroup v2 and a running systemd";
}

/** Why the kernel cannot be asked to hold the bound here; what the process takes is measured all the same. */
export function whyNotEnforced(): string | undefined {
  const found = version();
  return typeof found === "string" ? found : undefined;
}

/** A group of so many MiB, without swap, named after this process and `name`; one without words where there are none. */
export function memoryGroup(name: string, mib: number): MemoryGroup {
  const found = version();
  if (found === 1) return groupV1(`${ROOT_V1}/sluice-test-${process.pid}-${name}`, mib);
  const words = ["systemd-run", "--scope", "--quiet", "-p", `MemoryMax=${mib}M`, "-p", "MemorySwapMax=0"];
  return { words: found === 2 ? words : [], peakMib: undefined, [Symbol.dispose]() {} };
}

function groupV1(directory: string, mib: number): MemoryGroup {
  mkdirSync(directory);
  writeFileSync(`${directory}/memory.limit_in_bytes`, `${mib}M`);
  return {
    // The shell that becomes the command joins the group, nobody else.
    words: ["/bin/sh", "-c", `echo $$ > ${directory}/cgroup.procs && exec "$@"`, "sh"],
    get peakMib() {
      return Math.round(Number(contentOf(`${directory}/memory.max_usage_in_bytes`)) / 1_048_576);
    },
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function hasSystemd(): boolean {
  try {
    execFileSync("systemctl", ["is-system-running", "--wait"], { stdio: "ignore", timeout: 2_000 });
    return true;
  } catch {
    return false;
  }
}
