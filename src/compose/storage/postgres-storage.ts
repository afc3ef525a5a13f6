import { randomUUID } from "node:crypto";
import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { watchPostgresKeys } from "../../storage/keys/postgres-keys.ts";
import { NO_LEDGER } from "../../storage/ledger/memory-ledger.ts";
import { openPostgresLedger } from "../../storage/ledger/postgres-ledger.ts";
import { PostgresDatabase } from "../../storage/postgres/database.ts";
import { migrate } from "../../storage/postgres/migrations.ts";
import { RunLock } from "../../storage/postgres/run-lock.ts";
import { PostgresTranscripts } from "../../storage/transcripts/postgres-transcripts.ts";
import type { Storage, StorageOptions } from "./storage.ts";

/** How long closing waits for the last statements. */
const CLOSE_MS = 5_000;

/** Opens the stores in PostgreSQL. Rejects, with everything closed, with `store_unavailable` or `ledger_unavailable`. */
export async function openPostgres(
  { data, cluster, ledger: keeping }: Config,
  options: StorageOptions,
): Promise<Storage> {
  const { postgres } = data;
  // The nodes of a cluster share it by their nature.
  const shared = data.shared || cluster.redis !== undefined;
  // The configuration's own check says it better.
  if (!postgres) throw new GatewayError("store_unavailable", "data.postgres names no database");
  const { mode } = keeping;
  const where = { ...postgres, url: postgres.url.reveal() };
  const instance = randomUUID();
  await using opened = new AsyncDisposableStack();
  const database = opened.adopt(new PostgresDatabase(where), (part) => part.close(CLOSE_MS));
  await migrate(database);
  const lock = opened.adopt(new RunLock({ ...where, instance, shared, taken: options.fault }, database), (part) =>
    part.close(),
  );
  await lock.take();
  const transcripts = opened.adopt(new PostgresTranscripts(database), (part) => part.close());
  const ledger = opened.adopt(
    mode === "off" ? NO_LEDGER : await openPostgresLedger({ ...keeping, ...options, mode, database, instance }),
    (part) => part.stop(),
  );
  const parts = opened.move();
  return {
    durable: true,
    transcripts,
    ledger,
    watchKeys: (news) => watchPostgresKeys(database, news),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
