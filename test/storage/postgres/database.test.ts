import { expect, test } from "@jest/globals";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { isOutage } from "../../../src/storage/postgres/outage.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";

describeWithPostgres("a database", (server) => {
  test("the server gives a statement up before the gateway does, so that nothing is written after what comes next", async () => {
    const database = new PostgresDatabase(server().options(freshSchema()));
    const ask = "SHOW statement_timeout";
    expect(await database.query(ask)).toEqual([{ statement_timeout: "9s" }]);
    expect(await database.inTransaction((query) => query(ask))).toEqual([{ statement_timeout: "9s" }]);
    expect(await database.inTransaction((query) => query(ask), 60_000)).toEqual([{ statement_timeout: "59s" }]);
    expect(await database.query(ask)).toEqual([{ statement_timeout: "9s" }]);
    await database.close(5_000);
  });

  test("a transaction whose gateway stands still is ended by the server, and is an outage to it", async () => {
    const database = new PostgresDatabase(server().options(freshSchema()));
    const limit = "idle_in_transaction_session_timeout";
    expect(await database.query(`SHOW ${limit}`)).toEqual([{ [limit]: "1min" }]);
    const still = database.inTransaction(async (query) => {
      await query(`SET LOCAL ${limit} = 1`);
      await turnsUntil(() => server().ask("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") === "0");
      await query("SELECT 1");
    });
    expect(await still.catch(isOutage)).toBe(true);
    await database.close(5_000);
  });

  test("what fails in a transaction is not written, and the connection is not used again", async () => {
    const schema = freshSchema();
    const database = new PostgresDatabase({ ...server().options(schema), connections: 1 });
    server().ask(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.things (name text)`);
    const pid = async () => (await database.query("SELECT pg_backend_pid() AS pid"))[0]?.pid;
    const before = await pid();
    const failing = database.inTransaction(async (query) => {
      await query("INSERT INTO things VALUES ('one')");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await database.query("SELECT * FROM things")).toEqual([]);
    expect(await pid()).not.toBe(before);
    await database.close(5_000);
  });
});
