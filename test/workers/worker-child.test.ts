import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { expect, test } from "@jest/globals";
import { WorkerChild } from "../../src/workers/worker-child.ts";

/** Longer than any test. */
const LONG_MS = 1_000_000;

/** A worker whose process takes every message and answers none; `end` ends it. */
function silentWorker() {
  const child = Object.assign(new EventEmitter(), { pid: 1, send: () => true, kill: () => true });
  const worker = new WorkerChild({
    number: 1,
    child: child as unknown as ChildProcess,
    shared: {
      start: () => ({ workers: 1, url: "u", files: {} }),
      metrics: async () => "",
      lines: () => ({ cursor: 0, size: 0, lines: [] }),
    },
    ...{ line() {}, full() {}, terminated() {}, now: () => 0 },
  });
  return { worker, end: () => child.emit("close", null, "SIGKILL") };
}

test("nobody waits for the answer of a worker that has ended, whether it was asked before or after", async () => {
  const { worker, end } = silentWorker();
  const asked = [worker.measure(LONG_MS), worker.reload({}, LONG_MS)];
  end();
  await worker.ended;
  expect(await Promise.all([...asked, worker.measure(LONG_MS)])).toEqual([undefined, undefined, undefined]);
});
