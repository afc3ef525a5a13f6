import { type ChildProcess, fork } from "node:child_process";
import { getHeapStatistics } from "node:v8";
import { WORKER_VARIABLE } from "./calls.ts";
import { heapMibOf, optionsOfWorker } from "./share.ts";

/** How the process that starts workers runs. */
export interface ForkOptions {
  readonly workers: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execArgv: readonly string[];
}

/** What starts workers that run a program, each with its part of the memory that one process would have. */
export function forkWorker(program: string, { workers, env, execArgv }: ForkOptions): (worker: number) => ChildProcess {
  const heapMib = heapMibOf(getHeapStatistics().heap_size_limit, workers);
  const options = optionsOfWorker({ execArgv, nodeOptions: env.NODE_OPTIONS }, heapMib);
  return (worker) =>
    fork(program, [], {
      execArgv: [...options.execArgv],
      env: { ...env, NODE_OPTIONS: options.nodeOptions, [WORKER_VARIABLE]: String(worker) },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      // Metrics have values that JSON does not.
      serialization: "advanced",
    });
}
