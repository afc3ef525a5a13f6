import { setFlagsFromString } from "node:v8";

/** How V8 collects garbage: on the thread that allocates, or with helper threads. */
export type Collector = "single" | "parallel";

/**
 * What `--single-threaded-gc` stands for: the flag itself does nothing once V8 has started, but V8 reads these at every
 * collection. Without `--no-parallel-marking`, which ends a started process.
 */
const SINGLE = [
  "--no-parallel-scavenge",
  "--no-concurrent-marking",
  "--no-concurrent-sweeping",
  "--no-concurrent-array-buffer-sweeping",
  "--no-parallel-compaction",
  "--no-parallel-pointer-update",
  "--no-parallel-weak-ref-clearing",
  "--no-parallel-reclaim-unmodified-wrappers",
];

/** `auto` takes `single` on one processor, where helper threads take it from the event loop and make it wait for them. */
export function chooseCollector(asked: Collector | "auto", processors: number): Collector {
  if (asked !== "auto") return asked;
  return processors === 1 ? "single" : "parallel";
}

/** Sets V8's flags for all threads of this process. To be called before the heap is busy. */
export function useCollector(collector: Collector): void {
  if (collector === "single") for (const flag of SINGLE) setFlagsFromString(flag);
}
