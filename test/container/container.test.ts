import { spawnSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { memoryGroup, whyNotEnforced } from "./memory-group.ts";
import { play } from "./play.ts";
import { SCENARIOS } from "./scenarios.ts";

const why = whyNotEnforced();
if (why !== undefined) console.warn(`the memory limit is measured, not enforced: ${why}`);

const LIMIT_MIB = 128;
const TOO_MUCH = `Array.from({ length: ${2 * LIMIT_MIB} }, () => Buffer.alloc(1_048_576, 1))`;

(why === undefined ? test : test.skip)("a process that takes more than its group may is killed", () => {
  using group = memoryGroup("too-much", LIMIT_MIB);
  const run = (words: readonly string[]) => {
    const [command = "", ...more] = [...words, process.execPath, "-e", TOO_MUCH];
    const { status, signal } = spawnSync(command, more);
    return signal ?? status;
  };
  expect(run([])).toBe(0);
  expect(run(group.words)).toBe("SIGKILL");
});

/** All of them with `node test/container/run.ts`; these are done within a minute. */
const SHORT = Object.entries(SCENARIOS).filter(([name]) => /unfinished|empty lists/.test(name));

describe("one caller within its limits ends neither the process in a container of 1 GiB nor another caller's streams", () => {
  test.each(SHORT)("%s", async (_name, scenario) => {
    const { exit, fault, peakMib, completed, lastCompleted } = await play(scenario);
    expect({ exit, fault, lastCompleted }).toEqual({ exit: undefined, fault: undefined, lastCompleted: true });
    expect(completed).toBeGreaterThanOrEqual(1);
    expect(peakMib).toBeLessThan(1_024);
  });
});
