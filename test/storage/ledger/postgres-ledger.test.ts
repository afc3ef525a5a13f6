import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { openPostgresLedger, type PostgresLedgerOptions } from "../../../src/storage/ledger/postgres-ledger.ts";
import { PostgresLedgerWriter } from "../../../src/storage/ledger/postgres-writer.ts";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { DeadRuns } from "../../../src/storage/postgres/dead-runs.ts";
import { migrate } from "../../../src/storage/postgres/migrations.ts";
import { RunLock } from "../../../src/storage/postgres/run-lock.ts";
import { realClock } from "../../support/clients/loopback-call.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { durableContract } from "./durable-contract.ts";
import { HeardNews } from "./heard-news.ts";
import { committed, ledgerContract } from "./ledger-contract.ts";
import { settlingContract } from "./settling-contract.ts";

const UNAVAILABLE = expect.objectContaining({ code: "ledger_unavailable" });

describeWithPostgres("the ledger in PostgreSQL", (server) => {
  /** A ledger in a schema, by default a new one, of a run of its own. `die` ends that run as a crash does. */
  async function open(schema = freshSchema(), more: Partial<PostgresLedgerOptions> = {}) {
    const options = server().options(schema);
    const database = new PostgresDatabase(options);
    await migrate(database);
    const instance = randomUUID();
    const newLock = () => new RunLock({ ...options, instance, shared: true, taken: () => {} }, database);
    let lock = newLock();
    await lock.take();
    const release = () => lock.close();
    const retake = async () => {
      lock = newLock();
      await lock.take();
    };
    const news = new HeardNews();
    const opened = await openPostgresLedger({
      database,
      instance,
      shared: false,
      mode: "alongside",
      spoolRows: 10_000,
      openWaitMs: 5_000,
      retentionDays: 400_000,
      clock: realClock,
      news: news.take,
      ...more,
    });
    const die = async () => {
      await lock.close();
      await database.close(5_000);
    };
    const { stop } = opened;
    const ledger = Object.defineProperties(opened, {
      stop: {
        value: async () => {
          await stop();
          await die();
        },
      },
    });
    return { ledger, news: news.all, heard: news.first, die, release, retake, instance };
  }

  const rows = (schema: string) =>
    server()
      .ask(`SELECT stream, outcome, source FROM ${schema}.streams ORDER BY stream`)
      .split("\n")
      .filter((line) => line !== "");

  settlingContract("the ledger in PostgreSQL", () => {
    const schema = freshSchema();
    return (recall) => open(schema, { recall });
  });

  ledgerContract("the ledger in PostgreSQL", async () => (await open()).ledger, 3);

  durableContract("the ledger in PostgreSQL", () => {
    const schema = freshSchema();
    return () => open(schema);
  });

  test("in strict mode an open resolves when another connection can read its row", async () => {
    const schema = freshSchema();
    const { ledger } = await open(schema, { mode: "strict" });
    await ledger.open(opening("a"), false);
    expect(rows(schema)).toEqual(["a||"]);
    await ledger.stop();
  });

  test("the rows of one stream count in their order, also within one commit", async () => {
    const schema = freshSchema();
    const { ledger } = await open(schema);
    ledger.close(closing("a"));
    await ledger.open(opening("a"), false);
    await ledger.open(opening("b"), false);
    ledger.close(closing("b", { outcome: "cancelled", usage: { source: "unknown" }, costNano: undefined }));
    ledger.close(closing("b", { outcome: "failed", costNano: 7 }));
    await committed(ledger);
    expect(rows(schema)).toEqual(["a||", "b|cancelled|exact"]);
    await ledger.stop();
  });

  test("the open rows of a run that died are closed as lost, once; those of a living one are not", async () => {
    const schema = freshSchema();
    const [dead, alive] = [await open(schema), await open(schema)];
    await dead.ledger.open(opening("of the dead"), false);
    await alive.ledger.open(opening("of the living"), false);
    await committed(dead.ledger);
    await committed(alive.ledger);
    await dead.die();
    const next = await open(schema);
    expect(next.news).toEqual([{ kind: "lost", streams: 1 }]);
    const third = await open(schema);
    expect(third.news).toEqual([]);
    expect(rows(schema)).toEqual(["of the dead|lost|estimated", "of the living||"]);
    alive.ledger.close(closing("of the living"));
    for (const { ledger } of [alive, next, third]) await ledger.stop();
    expect(rows(schema)[1]).toBe("of the living|completed|exact");
  });

  test("among several gateways a run is dead once its lock has been free for half a minute, and not before", async () => {
    const schema = freshSchema();
    const [dead, cut] = [await open(schema), await open(schema)];
    await dead.ledger.open(opening("of the dead"), false);
    await cut.ledger.open(opening("of one whose connection was cut"), false);
    await committed(dead.ledger);
    await committed(cut.ledger);
    await dead.die();
    await cut.release();
    let nowMs = 0;
    const database = new PostgresDatabase(server().options(schema));
    const deadRuns = new DeadRuns(schema, { shared: true, now: () => nowMs });
    const writer = new PostgresLedgerWriter(database, { instance: "third", retentionMs: 0, deadRuns });
    expect(await writer.sweep()).toBe(0);
    nowMs = 29_999;
    expect(await writer.sweep()).toBe(0);
    await cut.retake();
    // One that had its lock at any look in between counts from the beginning.
    expect(await writer.sweep()).toBe(0);
    nowMs = 30_000;
    expect(await writer.sweep()).toBe(1);
    expect(await writer.sweep()).toBe(0);
    expect(rows(schema)).toEqual(["of one whose connection was cut||", "of the dead|lost|estimated"]);
    await database.close(5_000);
    await cut.ledger.stop();
  });

  test("a run that is known to be dead is settled at once, and its late close still counts", async () => {
    const schema = freshSchema();
    const [frozen, living] = [await open(schema), await open(schema)];
    await frozen.ledger.open(opening("a"), false);
    await committed(frozen.ledger);
    expect(await living.ledger.settle(frozen.instance)).toBe(1);
    expect(await living.ledger.settle(frozen.instance)).toBe(0);
    expect(living.news).toEqual([{ kind: "lost", streams: 1 }]);
    expect(rows(schema)).toEqual(["a|lost|estimated"]);
    frozen.ledger.close(closing("a"));
    await committed(frozen.ledger);
    expect(rows(schema)).toEqual(["a|completed|exact"]);
    for (const { ledger } of [frozen, living]) await ledger.stop();
  });

  test("what other runs have open counts as spent with its prompts, what this one has does not", async () => {
    const schema = freshSchema();
    const [one, other] = [await open(schema), await open(schema)];
    await one.ledger.open(opening("a", { keyId: "key_1", counted: { tokens: 70, costNano: 7 } }), false);
    await committed(one.ledger);
    expect(await other.ledger.spentSince(0)).toEqual([{ keyId: "key_1", tokens: 70, costNano: 7 }]);
    expect(await one.ledger.spentSince(0)).toEqual([]);
    for (const { ledger } of [one, other]) await ledger.stop();
  });

  test("a killed server: streams go on, rows wait, capped opens are refused; all is written once it is back", async () => {
    const schema = freshSchema();
    // A busy machine may stand still for seconds: only what the server does counts.
    const { ledger, heard, news } = await open(schema, { openWaitMs: 60_000 });
    await ledger.open(opening("before"), true);
    await committed(ledger);
    await server().kill();
    try {
      expect(ledger.open(opening("first"), true)).toBeUndefined();
      expect(await heard("unavailable")).toMatchObject({ rows: 1 });
      expect(() => ledger.open(opening("capped"), true)).toThrow(UNAVAILABLE);
      for (let index = 0; index < 1_000; index++) {
        expect(ledger.open(opening(`s${index}`), false)).toBeUndefined();
        ledger.close(closing(`s${index}`));
      }
      ledger.close(closing("before"));
    } finally {
      await server().resume();
    }
    await heard("available");
    await committed(ledger);
    await ledger.open(opening("capped"), true);
    await ledger.stop();
    expect(news.map(({ kind }) => kind)).toEqual(["unavailable", "available"]);
    const stored = rows(schema);
    expect(stored).toHaveLength(1_003);
    expect(stored.filter((row) => row.endsWith("|completed|exact"))).toHaveLength(1_001);
  });

  test("a run whose connection was cut still counts as alive a moment later", async () => {
    const schema = freshSchema();
    const alive = await open(schema);
    await alive.ledger.open(opening("a"), false);
    await committed(alive.ledger);
    server().ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice'");
    const isLocked = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'`;
    // Its two locks: the run's own, and the shared one of all gateways.
    await turnsUntil(() => server().ask(isLocked) === "2");
    const next = await open(schema);
    expect(next.news).toEqual([]);
    expect(rows(schema)).toEqual(["a||"]);
    await next.ledger.stop();
    await alive.ledger.stop();
  });

  test("days are those of the zone asked for, through changes of its clocks", async () => {
    const { ledger } = await open();
    const at = (text: string) => Date.parse(text);
    const moments = {
      // Summer time in Berlin ends on 2026-10-25, which has 25 hours.
      "2026-10-24": at("2026-10-24T21:59:59.999Z"),
      "2026-10-25": at("2026-10-25T22:59:59.999Z"),
      "2026-10-26": at("2026-10-25T23:00:00Z"),
    };
    for (const [stream, openedAt] of Object.entries(moments)) await ledger.open(opening(stream, { openedAt }), false);
    await committed(ledger);
    const days = async (timeZone: string) =>
      (await ledger.usage({ by: "day", timeZone })).lines.map(({ group, streams }) => `${group} ${streams}`);
    expect(await days("Europe/Berlin")).toEqual(["2026-10-24 1", "2026-10-25 1", "2026-10-26 1"]);
    expect(await days("UTC")).toEqual(["2026-10-24 1", "2026-10-25 2"]);
    expect(await days("+02:00")).toEqual(["2026-10-24 1", "2026-10-26 2"]);
    await expect(ledger.usage({ by: "day", timeZone: "Moon/Base" })).rejects.toMatchObject({ code: "bad_request" });
    await ledger.stop();
  });

  test("rows past their retention are deleted, open ones never", async () => {
    const schema = freshSchema();
    const first = await open(schema);
    for (const [stream, openedAt] of [
      ["old", 0],
      ["old and open", 0],
      ["new", Date.now()],
    ] as const) {
      await first.ledger.open(opening(stream, { openedAt }), false);
      if (stream !== "old and open") first.ledger.close(closing(stream));
    }
    await committed(first.ledger);
    const second = await open(schema, { retentionDays: 32 });
    expect(rows(schema)).toEqual(["new|completed|exact", "old and open||"]);
    await second.ledger.stop();
    await first.ledger.stop();
  });

  test("runs questions one at a time, and refuses all but a few that wait", async () => {
    const { ledger } = await open();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ledger.usage({ by: "day" })));
    const failures = asked.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(failures).toEqual(Array(4).fill(expect.objectContaining({ code: "overloaded" })));
    await ledger.stop();
  });
});
