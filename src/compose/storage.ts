import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import type { LedgerNews } from "../core/ledger/ledger.ts";
import type { Transcripts } from "../core/ports/transcripts.ts";
import type { KeyNews, KeyWatch } from "../storage/keys/key-looks.ts";
import { watchKeys } from "../storage/keys/key-watch.ts";
import { createMemoryLedger, NO_LEDGER } from "../storage/ledger/memory-ledger.ts";
import { openSqliteLedger } from "../storage/ledger/sqlite-ledger.ts";
import type { StoredLedger } from "../storage/ledger/stored-ledger.ts";
import { claimDirectory } from "../storage/sqlite/directory-claim.ts";
import { WorkerThread } from "../storage/sqlite/worker-thread.ts";
import { createMemoryTranscripts } from "../storage/transcripts/memory-transcripts.ts";
import { openSqliteTranscripts } from "../storage/transcripts/sqlite-transcripts.ts";

/** What the stores are opened with. */
export interface StorageOptions {
  /** This process's id, which its claim shows to other gateways. */
  readonly pid: number;
  readonly clock: Clock;
  readonly news: (news: LedgerNews) => void;
  /** Called with a fault of the store itself. */
  readonly fault: (error: GatewayError) => void;
}

/** All that is stored. Closing it commits what waits. */
export interface Storage extends AsyncDisposable {
  /** Whether it outlives the process. */
  readonly durable: boolean;
  readonly transcripts: Transcripts;
  readonly ledger: StoredLedger;
  /** Watches the gateway keys; undefined where there can be none. Rejects with `store_unavailable` when they cannot be read. */
  watchKeys(news: KeyNews): Promise<KeyWatch> | undefined;
}

/** Opens the configured stores. Rejects, with everything closed, with `store_unavailable` or `ledger_unavailable`. */
export async function openStorage(config: Config, options: StorageOptions): Promise<Storage> {
  switch (config.data.store) {
    case "sqlite":
      return openFiles(config, options);
    case "postgres":
      // Loaded only where it is used: its driver takes longer to load than all that SQLite needs.
      return (await import("./postgres-storage.ts")).openPostgres(config, options);
    case "memory":
      return inMemory(config);
  }
}

function inMemory({ ledger: { mode } }: Config): Storage {
  const transcripts = createMemoryTranscripts();
  const ledger = mode === "off" ? NO_LEDGER : createMemoryLedger();
  return {
    durable: false,
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
async function openFiles({ data, ledger: keeping }: Config, options: StorageOptions): Promise<Storage> {
  const { mode } = keeping;
  const { directory } = data;
  await using opened = new AsyncDisposableStack();
  opened.adopt(claimDirectory({ ...data, pid: options.pid }), (claim) => claim.close());
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
    transcripts,
    ledger,
    watchKeys: (news) => watchKeys({ directory, thread, ...news }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
