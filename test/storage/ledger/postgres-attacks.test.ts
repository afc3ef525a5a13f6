import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { LedgerNews } from "../../../src/core/ledger/ledger.ts";
import { openPostgresLedger } from "../../../src/storage/ledger/postgres-ledger.ts";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { migrate } from "../../../src/storage/postgres/migrations.ts";
import { realClock } from "../../support/clients/loopback-call.ts";
import { startBreakingProxy } from "../../support/cluster/breaking-proxy.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { committed } from "./ledger-contract.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

describeWithPostgres("the ledger in a PostgreSQL under attack", (server) => {
  async function open(schema: string, { spoolRows = 10_000, url = server().options(schema).url } = {}) {
    const database = new PostgresDatabase({ ...server().options(schema), url });
    await migrate(database);
    const news: LedgerNews[] = [];
    const ledger = await openPostgresLedger({
      database,
      instance: randomUUID(),
      shared: true,
      mode: "alongside",
      spoolRows,
      // A busy machine may stand still for seconds: only what the server does counts.
      openWaitMs: 60_000,
      retentionDays: 400_000,
      clock: realClock,
      news: (one) => news.push(one),
    });
    const stop = async () => {
      await ledger.stop();
      await database.close(5_000);
    };
    const until = async (kind: LedgerNews["kind"]) => {
      await turnsUntil(() => news.some((one) => one.kind === kind));
    };
    return { ledger, news, stop, until };
  }

  const sums = (schema: string) =>
    server().ask(
      `SELECT count(*), count(*) FILTER (WHERE outcome = 'completed'), sum(input_tokens) FROM ${schema}.streams`,
    );

  test("whose every connection is ended again and again under load has each row once", async () => {
    const schema = freshSchema();
    const { ledger, stop } = await open(schema, { spoolRows: 100_000 });
    const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sluice'`;
    let ended = 0;
    let rows = 0;
    while (rows < 2_000 || ended < 5) {
      void ledger.open(opening(`s${rows}`), false);
      ledger.close(closing(`s${rows}`));
      rows++;
      if (rows % 200 === 0) ended += Number(server().ask(end));
      if (rows % 20 === 0) await turn();
    }
    await committed(ledger);
    await stop();
    expect(sums(schema)).toBe(`${rows}|${rows}|${100 * rows}`);
  });

  test.each(["53100", "40001", "40P01", "57014", "53200", "XX000", "25P03", "58030"])(
    "that fails with %s keeps what waits, refuses opens that must be recorded, and then has each row once",
    async (state) => {
      const schema = freshSchema();
      const { ledger, news, until, stop } = await open(schema, { spoolRows: 100 });
      server().ask(`CREATE FUNCTION ${schema}.fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '${state}'; END $$;
        CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON ${schema}.streams EXECUTE FUNCTION ${schema}.fail()`);
      void ledger.open(opening("s0"), false);
      await until("unavailable");
      for (let index = 1; index < 100; index++) void ledger.open(opening(`s${index}`), false);
      for (const isNeeded of [true, false]) {
        expect(() => ledger.open(opening("one too many"), isNeeded)).toThrow(
          expect.objectContaining({ code: "ledger_unavailable" }),
        );
      }
      for (let index = 0; index < 100; index++) ledger.close(closing(`s${index}`));
      server().ask(`DROP TRIGGER fails ON ${schema}.streams`);
      await until("available");
      await committed(ledger);
      await stop();
      expect(news.map(({ kind }) => kind)).toEqual(["unavailable", "available"]);
      expect(sums(schema)).toBe("100|100|10000");
    },
  );

  test("that became read-only, or has no connection left, is used again when that is over", async () => {
    const schema = freshSchema();
    server().ask(`CREATE ROLE few_${schema} LOGIN; CREATE SCHEMA ${schema} AUTHORIZATION few_${schema}`);
    const role = `few_${schema}`;
    const { ledger, news, until, stop } = await open(schema, {
      url: `postgres://${role}@127.0.0.1:${server().port}/postgres`,
    });
    const end = () =>
      server().ask(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '${role}'`);
    const broken = {
      read: [`ALTER ROLE ${role} SET default_transaction_read_only = on`, `ALTER ROLE ${role} RESET ALL`],
      full: [`ALTER ROLE ${role} CONNECTION LIMIT 0`, `ALTER ROLE ${role} CONNECTION LIMIT -1`],
      out: [`ALTER ROLE ${role} NOLOGIN`, `ALTER ROLE ${role} LOGIN`],
    };
    for (const [name, [breaks = "", mends = ""]] of Object.entries(broken)) {
      news.splice(0);
      server().ask(breaks);
      end();
      void ledger.open(opening(name), false);
      ledger.close(closing(name));
      await until("unavailable");
      server().ask(mends);
      await until("available");
      await committed(ledger);
    }
    await stop();
    expect(sums(schema)).toBe("3|3|300");
  });

  test("whose answer to a commit is lost has each row once", async () => {
    const schema = freshSchema();
    await using proxy = await startBreakingProxy(server().port);
    const { ledger, stop } = await open(schema, { url: `postgres://sluice@127.0.0.1:${proxy.port}/postgres` });
    for (let index = 0; index < 30; index++) {
      void ledger.open(opening(`s${index}`), false);
      ledger.close(closing(`s${index}`));
      for (let wait = 0; wait < index; wait++) await turn();
      proxy.cut();
      proxy.letGo();
    }
    await committed(ledger);
    await stop();
    expect(sums(schema)).toBe("30|30|3000");
  });

  test("that serves only serializable transactions has each row once, written by two gateways at a time", async () => {
    const schema = freshSchema();
    server().ask(`ALTER ROLE sluice SET default_transaction_isolation = 'serializable'`);
    const both = [await open(schema), await open(schema)];
    for (let index = 0; index < 1_000; index++) {
      for (const [of, { ledger }] of both.entries()) {
        void ledger.open(opening(`s${of}-${index}`), false);
        ledger.close(closing(`s${of}-${index}`));
      }
      if (index % 50 === 0) await turn();
    }
    for (const { ledger } of both) await committed(ledger);
    for (const { stop } of both) await stop();
    server().ask("ALTER ROLE sluice RESET ALL");
    expect(sums(schema)).toBe("2000|2000|200000");
  });

  test("takes any name as a name, and figures beyond 2^53 without ending a commit", async () => {
    const schema = freshSchema();
    const { ledger, news, stop } = await open(schema);
    const names = [
      "'; DROP TABLE streams; --",
      '"',
      "$$",
      "\\",
      "\0",
      "\ud800",
      "{}",
      "%s",
      "\u202e",
      "x".repeat(50_000),
    ];
    for (const [index, name] of names.entries()) {
      void ledger.open(opening(`s${index}`, { caller: name, session: name, model: name, keyId: name }), false);
      ledger.close(closing(`s${index}`, { anomalies: [name] as never }));
    }
    for (const [index, tokens] of [2 ** 53 + 2, 2 ** 63, 1e300, Number.NaN, -1, 0.5].entries()) {
      void ledger.open(opening(`t${index}`), false);
      ledger.close(closing(`t${index}`, { usage: { source: "exact", inputTokens: tokens, outputTokens: 1 } }));
    }
    await committed(ledger);
    const { lines } = await ledger.usage({ by: "caller" });
    expect(lines.length).toBeGreaterThanOrEqual(names.length);
    await stop();
    expect(news.filter(({ kind }) => kind !== "dropped")).toEqual([]);
    expect(Number(server().ask(`SELECT count(*) FROM ${schema}.streams`))).toBe(names.length + 6);
  });
});

describeWithPostgres("migrations", (server) => {
  test("that are killed, on the way or by two gateways at a time, are run whole by the next", async () => {
    const schema = freshSchema();
    const options = server().options(schema);
    const steps = ["CREATE TABLE one (a int); SELECT pg_sleep(30)", "CREATE TABLE two (a int)"];
    const [one, two] = [new PostgresDatabase(options), new PostgresDatabase(options)];
    const killed = [migrate(one, steps), migrate(two, steps)].map((each) => each.catch(({ code }) => code));
    const active = `FROM pg_stat_activity WHERE application_name = 'sluice' AND state = 'active'`;
    await turnsUntil(() => server().ask(`SELECT count(*) ${active}`) === "2");
    for (let both = 0; both < 2; both++) {
      await turnsUntil(() => server().ask(`SELECT count(*) ${active} AND query LIKE '%pg_sleep%'`) === "1");
      server().ask(`SELECT pg_terminate_backend(pid) ${active} AND query LIKE '%pg_sleep%'`);
    }
    expect(await Promise.all(killed)).toEqual(["store_unavailable", "store_unavailable"]);
    expect(server().ask(`SELECT count(*) FROM pg_tables WHERE schemaname = '${schema}'`)).toBe("0");
    const quick = steps.map((step) => step.replace("30", "0"));
    await Promise.all([migrate(one, quick), migrate(two, quick)]);
    expect(server().ask(`SELECT count(*) FROM ${schema}.migrations`)).toBe("2");
    for (const database of [one, two]) await database.close(1_000);
  });
});
