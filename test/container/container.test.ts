import { describe, expect, test } from "@jest/globals";
import { whyNotEnforced } from "./memory-group.ts";
import { play } from "./play.ts";
import { SCENARIOS } from "./scenarios.ts";

const why = whyNotEnforced();
if (why !== undefined) console.warn(`the memory limit is measured, not enforced: ${why}`);

/** All of them with `node test/container/run.ts`; these are done within a minute. */
const SHORT = Object.entries(SCENARIOS).filter(([name]) => /unfinished|empty lists/.test(name));

describe("one caller within its limits does not end the process in a container of 1 GiB, nor another caller's streams", () => {
  test.each(SHORT)("%s", async (_name, scenario) => {
    const { exit, fault, peakMib, completed, lastCompleted } = await play(scenario);
    expect({ exit, fault, lastCompleted }).toEqual({ exit: undefined, fault: undefined, lastCompleted: true });
    expect(completed).toBeGreaterThanOrEqual(1);
    expect(peakMib).toBeLessThan(1_024);
  });
});
