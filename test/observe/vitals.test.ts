import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { Vitals, type VitalsParts } from "../../src/observe/vitals.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const open: Vitals[] = [];
afterEach(() => {
  for (const vitals of open.splice(0)) vitals.close();
});

function vitalsOf(parts: Partial<VitalsParts> = {}): Vitals {
  const loop = { quantileMs: (share: number) => share * 100 };
  const vitals = new Vitals({ loop, loopDelayMs: 200, directory: newDirectory(), ...parts });
  open.push(vitals);
  return vitals;
}

test("work shows as processor time and as use of the event loop", () => {
  const vitals = vitalsOf();
  const until = performance.now() + 50;
  while (performance.now() < until);
  const { cpuShare, utilization, intervalMs } = vitals.loop();
  expect(cpuShare).toBeGreaterThan(0);
  expect(utilization).toBeGreaterThan(0);
  expect(intervalMs).toBeGreaterThanOrEqual(50);
});

test("delays are the loop's, and it is degraded when streams are refused", () => {
  expect(vitalsOf().loop()).toMatchObject({ delayP99Ms: 99, delayMaxMs: 100, degraded: false });
  expect(vitalsOf({ loopDelayMs: 98 }).loop()).toMatchObject({ degraded: true });
});

test("memory is in bytes, and the process takes more than its heap", () => {
  const { rssBytes, heapUsedBytes, heapTotalBytes } = vitalsOf().memory();
  expect(heapUsedBytes).toBeGreaterThan(1_000_000);
  expect(heapTotalBytes).toBeGreaterThanOrEqual(heapUsedBytes);
  expect(rssBytes).toBeGreaterThan(heapUsedBytes);
});

test("the disk is that of the directory; there is none without a directory, or while it is missing", async () => {
  const { totalBytes = 0, availableBytes = 0 } = (await vitalsOf().disk()) ?? {};
  expect(totalBytes).toBeGreaterThanOrEqual(availableBytes);
  expect(availableBytes).toBeGreaterThan(0);
  expect(await vitalsOf({ directory: undefined }).disk()).toBeUndefined();
  expect(await vitalsOf({ directory: join(newDirectory(), "missing") }).disk()).toBeUndefined();
});
