import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

/** Where cgroups version 1 keeps memory groups. */
const ROOT_V1 = "/sys/fs/cgroup/memory";
const CONTROLLERS_V2 = "/sys/fs/cgroup/cgroup.controllers";

/** A memory limit that the kernel enforces: it kills a process beyond it. */
export interface MemoryGroup extends Disposable {
  /** Command prefix that runs a command within the limit. */
  readonly words: readonly string[];
  /** Peak usage so far in MiB, with page cache and kernel buffers; undefined if unknown. */
  readonly peakMib: number | undefined;
}

/** The version of cgroups. */
type Version = 1 | 2;

function version(): Version | string {
  if (process.getuid?.() !== 0) return "a memory limit of the kernel needs root";
  if (contentOf(CONTROLLERS_V2)?.split(/\s/).includes("memory") && hasSystemd()) return 2;
  // The root group has no limit to set.
  if (contentOf(`${ROOT_V1}/memory.use_hierarchy`) !== undefined) return 1;
  return "a memory limit of the kernel needs cgroup v1, or cgroup v2 and a running systemd";
}

/** Why the kernel cannot enforce the limit here; the process's memory is still measured. */
export function whyNotEnforced(): string | undefined {
  const found = version();
  return typeof found === "string" ? found : undefined;
}

/** A group of this many MiB, without swap, named after this process and `name`; without a prefix if there are no cgroups. */
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
    // Only the shell that becomes the command joins the group.
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
