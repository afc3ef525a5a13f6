import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { GatewayError } from "../../core/kernel/errors.ts";
import { connectionOf, type PostgresOptions } from "./connection.ts";
import type { PostgresDatabase } from "./database.ts";
import { lockNumber } from "./migrations.ts";
import { refusePoolOfTransactions } from "./pooling.ts";

/** How a gateway marks the database as its own. */
export interface RunLockOptions extends PostgresOptions {
  /** Identifies this run in the rows it opens. */
  readonly instance: string;
  /** Other gateways may use the tables too. */
  readonly shared: boolean;
  /** What to do if another gateway holds the tables; by default what a gateway that starts can do. */
  readonly cure?: string | undefined;
  /** Called when another gateway has taken the tables while the server was out of reach. */
  readonly taken: (error: GatewayError) => void;
  /** Called when the locks, which were lost, are this run's again. */
  readonly retaken?: (() => void) | undefined;
  /** What other gateways tell on the schema's channel; not listened to by default. */
  readonly news?: Listener | undefined;
}

/** Hears what other gateways tell. */
export interface Listener {
  heard(payload: string): void;
  /** Called when it listens again: until then it heard nothing. */
  missed(): void;
}

/** What a run locks for as long as it lives. */
export const lockOfRun = (schema: string, instance: string): string => `sluice:run:${schema}:${instance}`;
const lockOfGateway = (schema: string): string => `sluice:gateway:${schema}`;

const CURE =
  "stop it, set another data.postgres.schema, or set data.shared to true for both, and then each gateway enforces caps on its own";
/** A predecessor's connection may take a moment to end when it was killed. */
const PREDECESSOR_MS = 2_000;
const AGAIN_MS = 200;
/**
 * Until the server notices that a connection's machine is gone. Locks that are not free for longer than this after a
 * connection was lost are held by someone else.
 */
const KEEPALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
/** It has nothing to do for as long as the gateway lives. PostgreSQL 13 does not know it. */
const UNDISTURBED = "SET idle_session_timeout = 0";
const GONE_MS = 30_000;
const LAST_RETRY_MS = 5_000;
/** How long a server has to answer a goodbye: one that stands still learns of it once it goes on. */
const GOODBYE_MS = 1_000;

/**
 * The locks of a running gateway, which PostgreSQL holds for the life of one connection: it is alive, and alone unless
 * shared. When the connection is lost they are taken again as soon as that is possible. The same connection hears what
 * other gateways tell.
 */
export class RunLock {
  readonly #options: RunLockOptions;
  readonly #database: PostgresDatabase;
  #client: Client | undefined;
  #retaking: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(options: RunLockOptions, database: PostgresDatabase) {
    this.#options = options;
    this.#database = database;
  }

  /**
   * Takes the locks. Rejects with `store_unavailable` when another gateway holds them, the server is out of reach, or no
   * connection to it could hold them.
   */
  async take(): Promise<void> {
    await refusePoolOfTransactions(this.#options, this.#database);
    for (let waitedMs = 0; !(await this.#tried()); waitedMs += AGAIN_MS) {
      if (waitedMs >= PREDECESSOR_MS) throw this.#inUse();
      await setTimeout(AGAIN_MS);
    }
  }

  /** Lets the locks go. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#retaking;
    if (this.#client) await ended(this.#client);
  }

  /** Whether the locks are this run's now. Rejects when the server cannot be used. */
  async #tried(): Promise<boolean> {
    const { instance, shared, schema, news } = this.#options;
    const client = new Client(connectionOf(this.#options.url));
    client.on("error", () => {});
    try {
      await client.connect();
      for (const setting of [KEEPALIVE, UNDISTURBED]) await client.query(setting).catch(() => {});
      const gateway = `pg_try_advisory_lock${shared ? "_shared" : ""}(${lockNumber("$1")})`;
      const { rows } = await client.query(`SELECT ${gateway} AS is_ours`, [lockOfGateway(schema)]);
      if (rows[0]?.is_ours !== true) {
        await ended(client);
        return false;
      }
      await client.query(`SELECT pg_advisory_lock(${lockNumber("$1")})`, [lockOfRun(schema, instance)]);
      if (news) {
        client.on("notification", ({ payload }) => news.heard(payload ?? ""));
        await client.query(`LISTEN "${schema}"`);
      }
    } catch (cause) {
      void client.end().catch(() => {});
      throw this.#database.unusable(cause);
    }
    this.#client = client;
    client.once("end", () => {
      this.#retaking = this.#retake();
    });
    return true;
  }

  async #retake(): Promise<void> {
    const { signal } = this.#closing;
    const lostAt = performance.now();
    let isTold = false;
    for (let waitMs = 100; !signal.aborted; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      const isOurs = await this.#tried().catch(() => undefined);
      if (isOurs) {
        this.#options.news?.missed();
        this.#options.retaken?.();
        return;
      }
      if (isOurs === false && !isTold && performance.now() - lostAt > GONE_MS) {
        isTold = true;
        this.#options.taken(this.#inUse());
      }
      await setTimeout(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  #inUse(): GatewayError {
    const { schema, cure = CURE } = this.#options;
    const { place } = this.#database;
    return new GatewayError(
      "store_unavailable",
      `the schema ${schema} of PostgreSQL at ${place} is in use by another gateway: ${cure}`,
    );
  }
}

/** Ends a connection. Never rejects, and takes a second at most. */
async function ended(client: Client): Promise<void> {
  const over = new AbortController();
  const late = setTimeout(GOODBYE_MS, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([client.end().catch(() => {}), late]);
  over.abort();
}
