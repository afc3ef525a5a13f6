import { Client } from "pg";
import { GatewayError } from "../../core/kernel/errors.ts";
import { connectionOf, type PostgresOptions } from "./connection.ts";
import type { PostgresDatabase } from "./database.ts";

/**
 * Whose turn it is to ask. A pool that lends its connections in turn would give each of two clients that alternate the same
 * one again; one that lends the last that was used gives both the same.
 */
const TURNS = [0, 1, 1, 0] as const;

/**
 * Rejects with `store_unavailable` where a connection is lent for a transaction only: the locks of a gateway that has gone
 * would stay with the pool, which might lend them to the next one, and settings reach others' connections.
 */
export async function refusePoolOfTransactions(options: PostgresOptions, database: PostgresDatabase): Promise<void> {
  if (await isPoolOfTransactions(options).catch((cause) => Promise.reject(database.unusable(cause)))) {
    throw new GatewayError(
      "store_unavailable",
      `PostgreSQL at ${database.place} cannot be used: a pool in front of it lends connections for one transaction each; ` +
        "a gateway needs them for itself (PgBouncer: pool_mode = session)",
    );
  }
}

/** Whether two connections share a process of the server, or one of them changes its own. */
async function isPoolOfTransactions({ url }: PostgresOptions): Promise<boolean> {
  const clients = [new Client(connectionOf(url)), new Client(connectionOf(url))] as const;
  try {
    for (const client of clients) client.on("error", () => {});
    await Promise.all(clients.map((client) => client.connect()));
    const served: [Set<unknown>, Set<unknown>] = [new Set(), new Set()];
    for (const turn of TURNS) {
      const { rows } = await clients[turn].query("SELECT pg_backend_pid() AS pid");
      served[turn].add(rows[0]?.pid);
    }
    return new Set([...served[0], ...served[1]]).size !== 2 || served[0].size !== 1;
  } finally {
    for (const client of clients) void client.end().catch(() => {});
  }
}
