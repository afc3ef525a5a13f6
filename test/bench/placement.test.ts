import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { describe, expect, test } from "@jest/globals";
import { oneCpuGroup } from "../../bench/runner/cpu-group.ts";
import { type Cpus, canPin, placed } from "../../bench/runner/placement.ts";

/** How many CPUs a Node process sees where gateways are placed. */
function seen(cpus: Cpus): number {
  const { command, args, over } = placed(cpus, process.execPath, ["-p", "os.availableParallelism()"]);
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  over();
  return Number(stdout);
}

// Needs two cores and taskset.
(canPin ? describe : describe.skip)("a gateway's process", () => {
  test("sees one CPU on its core and in its container, by a control group or without, and all of them otherwise", () => {
    expect([seen("core"), seen("container"), seen("all")]).toEqual([1, 1, availableParallelism()]);
  });

  test("leaves no control group, whether one could be made or not", () => {
    const name = `sluice-bench-test-${process.pid}`;
    const group = oneCpuGroup(name, 1);
    expect(globSync(`/sys/fs/cgroup/{,*/}${name}`)).toHaveLength(group?.joining.length ?? 0);
    group?.remove();
    expect(globSync(`/sys/fs/cgroup/{,*/}${name}`)).toEqual([]);
  });
});
