import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { workerFile } from "../sqlite/worker-file.ts";
import type { FromKeyWorker } from "./key-worker.ts";

export interface KeyWatchParts {
  readonly directory: string;
  /** Told all keys at the start, and again within a second after any process changed them. */
  readonly keys: (keys: readonly GatewayKey[]) => void;
  /** The keys cannot be read any more; those read last stay in force. */
  readonly failed: (error: GatewayError) => void;
}

export interface KeyWatch {
  close(): Promise<void>;
}

/**
 * Watches `keys.db` in a directory from a thread of its own. Resolves when the keys were told for the first time, rejects
 * with `store_unavailable` when they cannot be read.
 */
export async function watchKeys({ directory, keys, failed }: KeyWatchParts): Promise<KeyWatch> {
  const worker = new Worker(workerFile("key-worker", import.meta.url), { workerData: directory });
  const unusable = (cause: unknown) =>
    new GatewayError("store_unavailable", `the keys in ${directory} cannot be read`, { cause });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const first = once(worker, "message");
  worker.on("message", (message: FromKeyWorker) => {
    if ("keys" in message) keys(message.keys);
    else failed(unusable(message.failure));
  });
  try {
    await first;
  } catch (cause) {
    throw unusable(cause);
  }
  worker.on("error", (cause) => failed(unusable(cause)));
  return {
    close() {
      worker.postMessage("close");
      return ended;
    },
  };
}
