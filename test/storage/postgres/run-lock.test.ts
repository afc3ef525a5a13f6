import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { RunLock } from "../../../src/storage/postgres/run-lock.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";

describeWithPostgres("the lock of a run", (server) => {
  const holder = () => server().ask("SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND granted");

  test("is not lost where connections without work are ended by the server", async () => {
    // Longer than a busy machine takes between two statements of one connection.
    server().ask("ALTER ROLE sluice SET idle_session_timeout = '1s'");
    const options = server().options(freshSchema());
    const database = new PostgresDatabase(options);
    const lock = new RunLock({ ...options, instance: randomUUID(), shared: true, taken() {} }, database);
    await lock.take();
    const before = holder();
    expect(before).toMatch(/^\d+$/);
    // One that was left alone since then has been ended.
    await database.query("SELECT 1");
    await turnsUntil(
      () => server().ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice'") === "1",
    );
    expect(holder()).toBe(before);
    await lock.close();
    await database.close(1_000);
  });

  test("is let go by a gateway that stops while the server stands still", async () => {
    const options = server().options(freshSchema());
    const database = new PostgresDatabase(options);
    const lock = new RunLock({ ...options, instance: randomUUID(), shared: true, taken() {} }, database);
    await lock.take();
    const backend = Number(holder());
    process.kill(backend, "SIGSTOP");
    try {
      await lock.close();
      expect(holder()).toBe(String(backend));
    } finally {
      process.kill(backend, "SIGCONT");
    }
    await turnsUntil(() => holder() === "");
    await database.close(1_000);
  });
});
