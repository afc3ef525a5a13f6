import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where Linux keeps control groups: all controllers in one tree (version 2), or a tree each (version 1). */
const ROOT = "/sys/fs/cgroup";
/** A container's usual period, of which a limit of one CPU may use all: Docker's `--cpus 1`, Kubernetes' `cpu: 1`. */
const PERIOD_US = 100_000;
const REMOVAL_TRIES = 100;

/** A control group for one process. */
export interface CpuGroup {
  /** The files into which a process writes its id to join. */
  readonly joining: readonly string[];
  /** Removes the group, after its process has ended. */
  remove(): void;
}

/**
 * Makes a group with what a one-CPU container has: a set of one core, and a quota of one CPU's time. Undefined where groups
 * cannot be made, which usually needs root.
 */
export function oneCpuGroup(name: string, core: number): CpuGroup | undefined {
  const unified = existsSync(join(ROOT, "cgroup.controllers"));
  const settings: readonly Setting[] = unified
    ? [{ tree: "", values: { "cpuset.cpus": String(core), "cpu.max": `${PERIOD_US} ${PERIOD_US}` } }]
    : [
        { tree: "cpuset", values: { "cpuset.mems": "0", "cpuset.cpus": String(core) } },
        { tree: "cpu", values: { "cpu.cfs_period_us": String(PERIOD_US), "cpu.cfs_quota_us": String(PERIOD_US) } },
      ];
  const made: string[] = [];
  try {
    for (const { tree, values } of settings) {
      const directory = join(ROOT, tree, name);
      mkdirSync(directory);
      made.push(directory);
      // A file that is not there belongs to a controller that is not on; creating it is refused.
      for (const [file, value] of Object.entries(values)) writeFileSync(join(directory, file), value);
    }
  } catch {
    remove(made);
    return undefined;
  }
  return { joining: made.map((directory) => join(directory, "cgroup.procs")), remove: () => remove(made) };
}

interface Setting {
  readonly tree: string;
  readonly values: Readonly<Record<string, string>>;
}

function remove(directories: readonly string[]): void {
  for (const directory of directories) {
    // A killed process leaves its group a moment after it was killed.
    for (let tries = 0; tries < REMOVAL_TRIES && !isRemoved(directory); tries++);
  }
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
