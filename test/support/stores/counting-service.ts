/** A service that counts, and whose thread dies on demand. */
import { existsSync } from "node:fs";
import { exit } from "node:process";
import { threadId } from "node:worker_threads";
import { oneByOne, type Service } from "../../../src/storage/sqlite/service.ts";

export interface CountingOperations {
  /** Adds, and returns this thread's sum. */
  add(count: number): number;
  /** Names the thread. */
  thread(): number;
  fail(message: string): never;
  /** Ends the thread without an answer. */
  exit(): never;
  /** Keeps the thread busy until it is terminated. */
  spin(): never;
}

/** It does not open while the file `blockedBy` exists. */
export function open({ blockedBy }: { readonly blockedBy: string }): Service<CountingOperations> {
  if (existsSync(blockedBy)) throw new Error("it is blocked");
  let sum = 0;
  const operations: CountingOperations = {
    add(count) {
      sum += count;
      return sum;
    },
    thread: () => threadId,
    fail(message) {
      throw new RangeError(message);
    },
    exit: () => exit(1),
    spin() {
      for (;;);
    },
  };
  return {
    answer: (calls) =>
      // A fault outside the operations, as one of the thread's own would be.
      calls.some(({ name }) => name === "exit") ? exit(1) : oneByOne(operations)(calls),
    close() {},
  };
}
