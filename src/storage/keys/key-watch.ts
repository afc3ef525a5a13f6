import type { GatewayKey } from "../../core/caller/key-ring.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { WorkerChannel } from "../sqlite/worker-channel.ts";
import { fileBeside, type WorkerThread } from "../sqlite/worker-thread.ts";
import type { KeyOperations } from "./key-service.ts";

/** Between two looks. One costs microseconds: SQLite compares a number in shared memory. */
const LOOK_MS = 250;

/** How long closing waits for a look that waits for another process. */
const CLOSE_MS = 3_000;

/** What to watch, and what to do with what is found. */
export interface KeyWatchOptions {
  /** The data directory. */
  readonly directory: string;
  /** The thread that looks; by default its own. */
  readonly thread?: WorkerThread | undefined;
  /** Called with all keys at the start, and again within a second after any process changed them. */
  readonly keys: (keys: readonly GatewayKey[]) => void;
  /** Called when the keys cannot be read any more, once until they can. Those read last stay in force. */
  readonly failed: (error: GatewayError) => void;
}

/** A watch that runs until it is closed. */
export interface KeyWatch {
  close(): Promise<void>;
}

/**
 * Watches `keys.db` in a directory, in a thread that is replaced when it dies. Resolves after the first
 * `keys`. Rejects with `store_unavailable` when they cannot be read.
 */
export async function watchKeys({ directory, thread, keys, failed }: KeyWatchOptions): Promise<KeyWatch> {
  const channel = new WorkerChannel<KeyOperations>({
    program: fileBeside("key-service", import.meta.url),
    data: directory,
    thread,
  });
  const read = async () => {
    try {
      return await channel.call("changed");
    } catch (cause) {
      throw new GatewayError("store_unavailable", `the keys in ${directory} cannot be read`, { cause });
    }
  };
  try {
    keys((await read()) ?? []);
  } catch (error) {
    await channel.close(CLOSE_MS);
    throw error;
  }
  let isFailing = false;
  const look = async () => {
    try {
      const found = await read();
      isFailing = false;
      if (found) keys(found);
    } catch (error) {
      if (!isFailing) failed(toGatewayError(error));
      isFailing = true;
    } finally {
      looking = undefined;
    }
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look();
  }, LOOK_MS);
  return {
    async close() {
      clearInterval(timer);
      await looking;
      await channel.close(CLOSE_MS);
    },
  };
}
