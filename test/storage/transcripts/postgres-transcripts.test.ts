import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { DeadRuns } from "../../../src/storage/postgres/dead-runs.ts";
import { Health } from "../../../src/storage/postgres/health.ts";
import { migrate } from "../../../src/storage/postgres/migrations.ts";
import { RunLock } from "../../../src/storage/postgres/run-lock.ts";
import {
  PostgresTranscripts,
  type PostgresTranscriptsOptions,
} from "../../../src/storage/transcripts/postgres-transcripts.ts";
import { StoreNews } from "../../../src/storage/transcripts/store-news.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { durableContract } from "./durable-contract.ts";
import { leadContract } from "./lead-contract.ts";
import { message, session, transcriptsContract } from "./transcripts-contract.ts";

describeWithPostgres("the store in PostgreSQL", (server) => {
  /** A store in a schema, by default a new one. Closing it closes its connections. */
  async function open(
    schema = freshSchema(),
    more: Partial<PostgresTranscriptsOptions> = {},
    { url } = server().options(schema),
    health?: Health,
  ) {
    const database = new PostgresDatabase({ ...server().options(schema), url }, health && (() => health.begins()));
    await migrate(database);
    const instance = randomUUID();
    const deadRuns = new DeadRuns(schema, { shared: false, now: () => performance.now() });
    const store = new PostgresTranscripts({ database, instance, deadRuns, news: undefined, ...more });
    const close = async () => {
      await store.close();
      await database.close(5_000);
    };
    return new Proxy(store, {
      get: (target, name) => {
        const value = name === "close" ? close : Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  transcriptsContract("PostgreSQL", open, 10);
  durableContract("PostgreSQL", () => {
    const schema = freshSchema();
    return () => open(schema);
  });
  leadContract("PostgreSQL", async () => {
    const schema = freshSchema();
    return [await open(schema), await open(schema, { news: new StoreNews("b") })];
  });

  test("keeps names that contain U+0000", async () => {
    const schema = freshSchema();
    const key = "odd \0 \ue000 \ue001 name";
    const first = await open(schema);
    await first.saveSession(session(key));
    await first.append(key, [message(1), message(2)]);
    await first.saveDocument("kind \0", key, "\0");
    await first.close();
    const second = await open(schema);
    expect(await second.sessions()).toEqual([session(key)]);
    expect(await second.messages(key)).toEqual([message(1), message(2)]);
    expect(await second.messages("odd \ue000\ue000 \ue000 \ue001 name")).toEqual([]);
    expect(await second.documents("kind \0")).toEqual([{ key, value: "\0" }]);
    await second.close();
  });

  test("documents of a run that has ended are taken over by one other, those of a living one are not", async () => {
    const schema = freshSchema();
    const options = server().options(schema);
    const database = new PostgresDatabase(options);
    const locks: RunLock[] = [];
    const alive = async (instance: string) => {
      const lock = new RunLock({ ...options, instance, shared: true, taken: () => {} }, database);
      await lock.take();
      locks.push(lock);
      return open(schema, { instance });
    };
    const living = await alive("living");
    const dead = await open(schema, { instance: "dead" });
    await living.saveDocument("queue", "a", 1);
    await dead.saveDocument("queue", "b", 2);
    await dead.saveDocument("other", "c", 3);
    const claims = await Promise.all(
      [await alive("one"), await alive("two")].map((store) => store.claim("queue", "left")),
    );
    expect(claims.flat()).toEqual([{ key: "b", value: 2 }]);
    expect(await living.claim("queue", "left")).toContainEqual({ key: "a", value: 1 });
    // What it releases is free, although its run is not over.
    await living.release("queue");
    const next = await open(schema);
    expect(await next.claim("queue", "left")).toContainEqual({ key: "a", value: 1 });
    // The only one that there can be takes them all.
    expect(await living.claim("queue", "all")).toHaveLength(2);
    for (const store of [living, dead, next]) await store.close();
    for (const lock of locks) await lock.close();
    await database.close(5_000);
  });

  test("the last of two unawaited writes of one thing wins, however often", async () => {
    const store = await open();
    for (let round = 0; round < 50; round++) {
      const writes = [1, 2, 3].map((updatedAt) => store.saveSession(session("a", updatedAt)));
      expect(await store.sessions()).toEqual([session("a", 3)]);
      await Promise.all(writes);
    }
    await store.close();
  });

  test("a server that is killed and starts again loses no call made meanwhile", async () => {
    const store = await open(undefined, { patienceMs: 60_000 });
    await store.append("a", [message(1)]);
    await server().kill();
    const writes = [2, 3, 4].map((seq) => store.append("a", [message(seq)]));
    const read = store.messages("a");
    await server().resume();
    await Promise.all(writes);
    expect(await read).toEqual([1, 2, 3, 4].map((seq) => message(seq)));
    await store.close();
  });

  test("while the server is away writes wait, reads fail after as long as told, and the outage is noticed once", async () => {
    const outages: unknown[] = [];
    const schema = freshSchema();
    const health = new Health(
      () => performance.now(),
      (outage) => outages.push(outage),
    );
    const store = await open(schema, { patienceMs: 300 }, undefined, health);
    await store.append("a", [message(1)]);
    await server().kill();
    const writes = [2, 3].map((seq) => store.append("a", [message(seq)]));
    try {
      // Behind the writes, and alone.
      for (const key of ["a", "b"]) {
        await expect(store.messages(key)).rejects.toMatchObject({ code: "store_unavailable" });
      }
    } finally {
      await server().resume();
    }
    await Promise.all(writes);
    // A server that has just started may take longer than that store waits.
    const reader = await open(schema);
    expect(await reader.messages("a")).toEqual([1, 2, 3].map((seq) => message(seq)));
    expect(outages).toEqual([{ kind: "away", reason: expect.any(String) }]);
    await Promise.all([store, reader].map((one) => one.close()));
  });

  test.each([
    [
      "refuses the password, or the user",
      (name: string) => `ALTER ROLE ${name} NOLOGIN`,
      (name: string) => `ALTER ROLE ${name} LOGIN`,
    ],
    [
      "has no connection left",
      (name: string) => `ALTER ROLE ${name} CONNECTION LIMIT 0`,
      (name: string) => `ALTER ROLE ${name} CONNECTION LIMIT -1`,
    ],
    [
      "is read-only",
      (name: string) => `ALTER ROLE ${name} SET default_transaction_read_only = on`,
      (name: string) => `ALTER ROLE ${name} RESET ALL`,
    ],
  ])("while the server %s writes wait", async (_what, breaks, mends) => {
    const role = `r${randomUUID().slice(0, 8)}`;
    server().ask(`CREATE ROLE ${role} LOGIN; GRANT CREATE ON DATABASE postgres TO ${role}`);
    const told = Promise.withResolvers<void>();
    const url = `postgres://${role}@127.0.0.1:${server().port}/postgres`;
    const health = new Health(
      () => performance.now(),
      () => told.resolve(),
    );
    const store = await open(undefined, {}, { ...server().options(""), url }, health);
    await store.append("a", [message(1)]);
    server().ask(breaks(role));
    server().ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
    const written = store.append("a", [message(2)]);
    await told.promise;
    server().ask(mends(role));
    await written;
    expect(await store.messages("a")).toEqual([message(1), message(2)]);
    await store.close();
  });

  test("once the process stops, writes too fail after as long as told", async () => {
    const store = await open(undefined, { patienceMs: 300 });
    await server().kill();
    try {
      const write = store.append("a", [message(1)]);
      store.hurry();
      await expect(write).rejects.toMatchObject({ code: "store_unavailable" });
      await store.close();
    } finally {
      await server().resume();
    }
  });

  test("more than a thousand waiting reads are refused", async () => {
    // None of the thousand comes to be refused because it waited.
    const store = await open(undefined, { patienceMs: 600_000 });
    const asked = await Promise.allSettled(Array.from({ length: 1_010 }, () => store.messages("a")));
    expect(asked.filter(({ status }) => status === "rejected")).toHaveLength(10);
    await store.close();
  });
});
