/** A worker thread that counts, and dies on demand. */
import { existsSync } from "node:fs";
import { exit } from "node:process";
import { workerData } from "node:worker_threads";
import { oneByOne, serve } from "../../src/storage/sqlite/worker-program.ts";

export interface CountingOperations {
  /** Adds, and returns this thread's sum. */
  add(count: number): number;
  fail(message: string): never;
  /** Ends the thread without an answer. */
  exit(): never;
  /** Keeps the thread busy until it is terminated. */
  spin(): never;
}

/** The thread does not start while this file exists. */
const { blockedBy } = workerData as { readonly blockedBy: string };
if (existsSync(blockedBy)) throw new Error("it is blocked");

let sum = 0;
serve<CountingOperations>({
  answer: (calls) =>
    // A fault outside the operations, as one of the thread's own would be.
    calls.some(({ name }) => name === "exit") ? exit(1) : oneByOne(operations)(calls),
  close() {},
});

const operations: CountingOperations = {
  add(count) {
    sum += count;
    return sum;
  },
  fail(message) {
    throw new RangeError(message);
  },
  exit: () => exit(1),
  spin() {
    for (;;);
  },
};
