import type { Config } from "../../config/schema.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { watchPostgresKeys } from "../../storage/keys/postgres-keys.ts";
import { NO_LEDGER } from "../../storage/ledger/memory-ledger.ts";
import { openPostgresLedger } from "../../storage/ledger/postgres-ledger.ts";
import { ClusterClaim } from "../../storage/postgres/cluster-claim.ts";
import { PostgresDatabase } from "../../storage/postgres/database.ts";
import { DeadRuns } from "../../storage/postgres/dead-runs.ts";
import { Health } from "../../storage/postgres/health.ts";
import { migrate } from "../../storage/postgres/migrations.ts";
import { RunLock } from "../../storage/postgres/run-lock.ts";
import { PostgresTranscripts } from "../../storage/transcripts/postgres-transcripts.ts";
import { StoreNews } from "../../storage/transcripts/store-news.ts";
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
  const { instance } = options;
  await using opened = new AsyncDisposableStack();
  // Once it is open: until then whoever opens it says what is wrong.
  let health: Health | undefined;
  const database = opened.adopt(new PostgresDatabase(where, () => health?.begins() ?? (() => {})), (part) =>
    part.close(CLOSE_MS),
  );
  const news = shared ? new StoreNews(instance) : undefined;
  // Alone it needs none: its lock lets nobody else in.
  const claim = shared ? opened.adopt(claimOf(database, cluster, options), (part) => part.close()) : undefined;
  const locking = { ...where, instance, shared, taken: options.fault, retaken: () => claim?.renew(), news };
  const lock = opened.adopt(new RunLock(locking, database), (part) => part.close());
  // Before the tables change: whoever uses them may be of an older version.
  await lock.take();
  await migrate(database);
  options.cluster?.on({ dataLost: () => claim?.renew() });
  await claim?.make();
  const deadRuns = new DeadRuns(database.schema, { shared, now: options.clock.now });
  const transcripts = opened.adopt(new PostgresTranscripts({ database, instance, deadRuns, news }), (part) =>
    part.close(),
  );
  const ledger = opened.adopt(
    mode === "off" ? NO_LEDGER : await openPostgresLedger({ ...keeping, ...options, mode, database, shared }),
    (part) => part.stop(),
  );
  const watched = new Health(options.clock.now, options.outage);
  health = watched;
  const parts = opened.move();
  return {
    durable: true,
    shared,
    transcripts,
    ledger,
    health: () => watched,
    watchKeys: (news) => watchPostgresKeys(database, watched, news),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** The claim of this node's cluster, or of a gateway without one. */
function claimOf(
  database: PostgresDatabase,
  { redis }: Config["cluster"],
  { instance, cluster, fault }: StorageOptions,
): ClusterClaim {
  const name = () => redis && { prefix: redis.prefix, id: cluster?.lease.epoch ?? "" };
  return new ClusterClaim({ database, instance, cluster: name, taken: fault });
}
