import type { Config } from "../../config/schema.ts";
import { watchKeys } from "../../storage/keys/key-watch.ts";
import { createMemoryLedger, NO_LEDGER } from "../../storage/ledger/memory-ledger.ts";
import { openSqliteLedger } from "../../storage/ledger/sqlite-ledger.ts";
import { withDriver } from "../../storage/postgres/driver.ts";
import { claimDirectory } from "../../storage/sqlite/directory-claim.ts";
import { WorkerThread } from "../../storage/sqlite/worker-thread.ts";
import { createMemoryTranscripts } from "../../storage/transcripts/memory-transcripts.ts";
import { openSqliteTranscripts } from "../../storage/transcripts/sqlite-transcripts.ts";
import type { Storage, StorageOptions } from "./storage.ts";

/** Opens the configured stores. Rejects, with everything closed, with `store_unavailable` or `ledger_unavailable`. */
export async function openStorage(config: Config, options: StorageOptions): Promise<Storage> {
  switch (config.data.store) {
    case "sqlite":
      return openFiles(config, options);
    case "postgres":
      return (await withDriver(() => import("./postgres-storage.ts"))).openPostgres(config, options);
    case "memory":
      return inMemory(config);
  }
}

function inMemory({ ledger: { mode } }: Config): Storage {
  const transcripts = createMemoryTranscripts();
  const ledger = mode === "off" ? NO_LEDGER : createMemoryLedger();
  return {
    durable: false,
    shared: false,
    transcripts,
    ledger,
    watchKeys: () => undefined,
    async [Symbol.asyncDispose]() {
      await ledger.stop();
      await transcripts.close();
    },
  };
}

/**
 * Opens the data directory. The ledger has its own file, so that a damaged one affects nothing else, and it can be kept and
 * copied separately.
 */
async function openFiles({ data, cluster, ledger: keeping }: Config, options: StorageOptions): Promise<Storage> {
  const { mode } = keeping;
  const { directory } = data;
  await using opened = new AsyncDisposableStack();
  const prefix = cluster.redis?.prefix;
  if (!options.isClaimed) opened.adopt(claimDirectory({ ...data, prefix, pid: options.pid }), (claim) => claim.close());
  // One for all that is stored, because threads are what costs most at the start. Closed once its users are.
  const thread = opened.use(new WorkerThread());
  const transcripts = opened.adopt(await openSqliteTranscripts({ directory, thread }), (part) => part.close());
  const ledger = opened.adopt(
    mode === "off" ? NO_LEDGER : await openSqliteLedger({ ...keeping, ...options, mode, directory, thread }),
    (part) => part.stop(),
  );
  const parts = opened.move();
  return {
    durable: true,
    shared: false,
    transcripts,
    ledger,
    watchKeys: (news) => watchKeys({ directory, thread, ...news }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
