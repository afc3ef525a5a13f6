import { GatewayError } from "../../core/kernel/errors.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside, type WorkerThread } from "../sqlite/worker-thread.ts";
import { type KeyNews, type KeyWatch, lookForKeys } from "./key-looks.ts";
import type { KeyOperations } from "./key-service.ts";

/** Between two looks. One costs microseconds: SQLite compares a number in shared memory. */
const LOOK_MS = 250;

/** How long closing waits for a look that waits for another process. */
const CLOSE_MS = 3_000;

/** What to watch, and what to do with what is found. */
export interface KeyWatchOptions extends KeyNews {
  /** The data directory. */
  readonly directory: string;
  /** The thread that looks; by default its own. */
  readonly thread?: WorkerThread | undefined;
}

/**
 * Watches `keys.db` in a directory, in a thread that is replaced when it dies. Resolves after the first
 * `keys`. Rejects with `store_unavailable` when they cannot be read.
 */
export function watchKeys({ directory, thread, ...news }: KeyWatchOptions): Promise<KeyWatch> {
  const channel = new WorkerChannel<KeyOperations>({
    program: fileBeside("key-service", import.meta.url),
    data: directory,
    thread,
  });
  const changed = async () => {
    try {
      return await channel.call("changed");
    } catch (cause) {
      throw new GatewayError("store_unavailable", `the keys in ${directory} cannot be read`, { cause });
    }
  };
  return lookForKeys({ changed, lookMs: LOOK_MS, close: () => channel.close(CLOSE_MS) }, news);
}
