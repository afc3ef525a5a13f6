import { setTimeout } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import { cureOf, differenceOf } from "../sharing/cluster-difference.ts";
import type { PostgresDatabase, Query } from "./database.ts";
import { lockNumber } from "./migrations.ts";
import { isOutage } from "./outage.ts";
import { lockOfRun } from "./run-lock.ts";

/** The cluster that a gateway is a node of. */
export interface ClusterName {
  /** `cluster.redis.prefix`. */
  readonly prefix: string;
  /** Names the data under this prefix: those in another Redis have another name, and so have new ones after a loss. */
  readonly id: string;
}

/** Who claims a schema, and for which cluster. */
export interface ClusterClaimOptions {
  readonly database: PostgresDatabase;
  /** Identifies this run, by its lock (`RunLock`). */
  readonly instance: string;
  /** This gateway's cluster as it is now; undefined without one. */
  readonly cluster: () => ClusterName | undefined;
  /** Called when another cluster has taken the schema while the server, or Redis' data, was away. */
  readonly taken: (error: GatewayError) => void;
}

/**
 * How long another cluster's node must be seen to count, in milliseconds: the connection of a killed one may take a moment to end,
 * and after Redis lost its data each node takes a moment to learn of it.
 */
const STARTING_MS = 4_000;
/** The same for a gateway that runs: nobody waits for it. */
const RUNNING_MS = 10_000;
const AGAIN_MS = 200;
const RETRY_MS = 1_000;

/** Another gateway of the schema; without a cluster it has no prefix. */
interface OtherRow {
  readonly instance: string;
  readonly prefix: string | null;
  readonly cluster: string | null;
  readonly lives: boolean;
}

/** The other gateways of the schema, with whether each holds its lock: a dead one does not. */
const OTHERS = `SELECT instance, prefix, cluster, EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint) = ${lockNumber("$2 || instance")}
  ) AS lives FROM gateways WHERE instance <> $1`;

/**
 * What tells two clusters on one schema apart, which would each grant every cap in full: a row a gateway with the name of its
 * cluster. A row counts for as long as its gateway holds its lock. Rows of dead ones go when the next gateway starts.
 */
export class ClusterClaim {
  readonly #options: ClusterClaimOptions;
  readonly #closing = new AbortController();
  #renewing: Promise<void> | undefined;
  #isAgain = false;

  constructor(options: ClusterClaimOptions) {
    this.#options = options;
  }

  /** Claims the schema. Rejects with `store_unavailable` while a node of another cluster lives on it. */
  async make(): Promise<void> {
    const { database } = this.#options;
    try {
      const problem = await this.#problem(false);
      if (problem) throw problem;
    } catch (cause) {
      throw cause instanceof GatewayError ? cause : database.unusable(cause);
    }
  }

  /** Claims it again: this gateway's lock was lost for a while, or its cluster has another name. Never rejects. */
  renew(): void {
    this.#isAgain = true;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
  }

  /** Gives up what it still tries. The claim itself ends with the gateway's lock. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isAgain && !signal.aborted) {
      this.#isAgain = false;
      try {
        const problem = await this.#problem(true);
        if (problem && !signal.aborted) this.#options.taken(problem);
      } catch (error) {
        // An outage is reported where it is noticed.
        if (!isOutage(error)) return this.#options.taken(this.#options.database.unusable(error));
        this.#isAgain = true;
        await setTimeout(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * Why the schema is not this cluster's alone, for good; undefined once it is. `isRunning`: this gateway's claim holds anyway.
   * Rejects with the driver's error.
   */
  async #problem(isRunning: boolean): Promise<GatewayError | undefined> {
    const { signal } = this.#closing;
    for (let waitedMs = 0; ; waitedMs += AGAIN_MS) {
      const mine = this.#options.cluster();
      const other = await this.#options.database.inTransaction((query) => this.#claim(query, mine, isRunning));
      if (!other || signal.aborted) return undefined;
      if (waitedMs >= (isRunning ? RUNNING_MS : STARTING_MS))
        return apartFrom(this.#options.database, mine?.prefix, other);
      await setTimeout(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Another cluster's row whose gateway lives. Writes this gateway's, if there is none, or if it runs anyway. */
  async #claim(query: Query, mine: ClusterName | undefined, isRunning: boolean): Promise<OtherRow | undefined> {
    const { database, instance } = this.#options;
    const { schema } = database;
    // One gateway at a time: of two clusters that start at once the second is refused.
    await query(`SELECT pg_advisory_xact_lock(${lockNumber("$1")})`, [`sluice:clusters:${schema}`]);
    const [prefix, cluster] = [mine?.prefix ?? null, mine?.id ?? null];
    const rows = await othersOf(query, schema, instance);
    const other = rows.find((row) => row.lives && (row.prefix !== prefix || row.cluster !== cluster));
    if (other && !isRunning) return other;
    const dead = rows.filter(({ lives }) => !lives).map((row) => row.instance);
    await query("DELETE FROM gateways WHERE instance = ANY ($1)", [dead]);
    await query(
      `INSERT INTO gateways (instance, prefix, cluster) VALUES ($1, $2, $3)
       ON CONFLICT (instance) DO UPDATE SET prefix = excluded.prefix, cluster = excluded.cluster`,
      [instance, prefix, cluster],
    );
    return other;
  }
}

/** The schema's gateways but this one. */
const othersOf = async (query: Query, schema: string, instance: string): Promise<readonly OtherRow[]> =>
  (await query(OTHERS, [instance, lockOfRun(schema, "")])) as unknown as readonly OtherRow[];

/** Rejects with `store_unavailable` while a gateway of another prefix lives on the schema, as far as that shows without claiming it. */
export async function checkClaim(database: PostgresDatabase, prefix: string | undefined): Promise<void> {
  const { schema } = database;
  const [{ table } = { table: null }] = await database.query("SELECT to_regclass($1) AS table", [
    `"${schema}".gateways`,
  ]);
  if (table === null) return;
  const rows = await othersOf((text, values) => database.query(text, values), schema, "");
  const other = rows.find((row) => row.lives && row.prefix !== (prefix ?? null));
  if (other) throw apartFrom(database, prefix, other);
}

function apartFrom({ schema, place }: PostgresDatabase, mine: string | undefined, { prefix }: OtherRow): GatewayError {
  const difference = differenceOf(mine ?? "", prefix ?? "");
  const where = `the same schema (${schema} of PostgreSQL at ${place})`;
  return new GatewayError("store_unavailable", `${difference} runs on ${where}: ${cureOf("data.postgres.schema")}`);
}
