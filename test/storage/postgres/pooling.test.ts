import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { RunLock } from "../../../src/storage/postgres/run-lock.ts";
import { tryPostgres } from "../../../src/storage/postgres/trial.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { startTransactionPool } from "../../support/stores/transaction-pool.ts";

describeWithPostgres("a pool that lends connections for one transaction each", (server) => {
  test("is refused by a gateway that starts and by one that only tries, and nothing is locked in it", async () => {
    await using pool = await startTransactionPool(server());
    const options = { ...server().options(freshSchema()), url: pool.url };
    const database = new PostgresDatabase(options);
    const lock = new RunLock({ ...options, instance: randomUUID(), shared: false, taken() {} }, database);
    const refused = { code: "store_unavailable", message: expect.stringContaining("pool_mode = session") };
    await expect(lock.take()).rejects.toMatchObject(refused);
    await expect(tryPostgres(options, undefined)).rejects.toMatchObject(refused);
    expect(server().ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).toBe("0");
    // It works as such a pool does: this is what would have been used.
    await expect(database.query("SELECT 1 AS one")).resolves.toEqual([{ one: 1 }]);
    await database.close(1_000);
  });

  test("is not taken for one that keeps each connection to its client", async () => {
    const options = server().options(freshSchema());
    await expect(tryPostgres(options, undefined)).resolves.toBeUndefined();
  });
});
