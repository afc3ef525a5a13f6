import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "@jest/globals";
import { copyToDirectory, copyToPostgres } from "../../../src/storage/copy/copy.ts";
import { FILES, TABLES } from "../../../src/storage/copy/tables.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { openPostgresKeys } from "../../../src/storage/keys/postgres-keys.ts";
import { LedgerDatabase } from "../../../src/storage/ledger/ledger-database.ts";
import { LedgerQueries } from "../../../src/storage/ledger/ledger-queries.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { askPostgres } from "../../../src/storage/ledger/postgres-queries.ts";
import { PostgresDatabase } from "../../../src/storage/postgres/database.ts";
import { RunLock } from "../../../src/storage/postgres/run-lock.ts";
import { claimDirectory } from "../../../src/storage/sqlite/directory-claim.ts";
import { DATABASE_FILE, SqliteDatabase } from "../../../src/storage/transcripts/sqlite-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { closing, opening } from "../../support/stores/ledger-rows.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { message, session } from "../transcripts/transcripts-contract.ts";

const newDirectory = temporaryDirectories();

/** Names that the stores write differently. */
const ODD = "odd \0 \ue000 \ue001 𝄞 'name'";

/** A data directory with rows of every kind. */
function filled(): string {
  const directory = newDirectory();
  const keys = new KeyDatabase(directory);
  keys.add(keyFor("alice", freshSecret(), { caps: { costPerDay: 2.5 }, expiresAt: 99 }));
  keys.change("alice", (key) => ({ ...key, revokedAt: 7 }));
  keys.add(keyFor("zoe", freshSecret()));
  const team = { name: ODD, caps: { costPerMonth: 2.5, tokensPerDay: 7 } };
  keys.changeTeam(ODD, () => team);
  keys.changeTeam("empty", (): typeof team => ({ ...team, name: "empty" }));
  keys.add(keyFor("alice", freshSecret(), { id: "key_2", team }));
  keys.close();
  const store = new SqliteDatabase(directory);
  for (const key of ["a", ODD]) {
    store.saveSession(session(key, 1.5));
    store.append(
      key,
      Array.from({ length: 40 }, (_, index) => message(index + 1)),
    );
    store.saveDocument(ODD, key, { theme: "dark", pins: [ODD, null, 1.5] });
  }
  store.saveDocument("openclaw.queue", "none", null);
  store.close();
  const ledger = new LedgerDatabase(directory, { instance: "run-1", busyMs: 0 });
  const anomalies = ["sent twice", "odd"] as never;
  ledger.write([
    openingWrite(opening("completed", { session: ODD, keyId: "key_2", team: ODD, attempt: 2 })),
    closingWrite(closing("completed", { anomalies, costNano: Number.MAX_SAFE_INTEGER })),
    openingWrite(opening("unknown", { model: undefined, caller: ODD })),
    closingWrite(closing("unknown", { outcome: "failed", usage: { source: "unknown" }, costNano: undefined })),
    openingWrite(opening("left")),
    closingWrite(closing("left", { isLeft: true, outcome: "cancelled" })),
    openingWrite(opening("running", { counted: { tokens: 70, costNano: 7 } })),
    openingWrite(opening("lost")),
  ]);
  ledger.connection.exec("UPDATE streams SET instance = 'run-0' WHERE stream = 'lost'");
  ledger.settle("run-0", Date.now());
  ledger.close();
  return directory;
}

/** Every row of every table, by its table's key. */
function dump(directory: string) {
  return Object.fromEntries(
    TABLES.map(({ name, file, order }) => {
      using database = new DatabaseSync(join(directory, file.name), { readOnly: true });
      const sorted = name === "streams" ? "stream" : order.sqlite;
      return [name, database.prepare(`SELECT * FROM ${name} ORDER BY ${sorted}`).all()];
    }),
  );
}

const COUNTS = [3, 2, 2, 80, 3, 5];

describeWithPostgres("copying all that is kept", (server) => {
  const places = (directory: string, schema = freshSchema()) => ({ directory, postgres: server().options(schema) });
  const schemas = (schema: string) => server().ask(`SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'`);

  test("to PostgreSQL and back leaves every row of every kind as it was", async () => {
    const from = filled();
    const before = dump(from);
    const { postgres } = places(from);
    const there = await copyToPostgres({ directory: from, postgres });
    expect(there.map(({ count }) => count)).toEqual(COUNTS);
    expect(there.map(({ rows }) => rows)).toEqual(TABLES.map(({ rows }) => rows));
    expect(dump(from)).toEqual(before);
    const back = join(newDirectory(), "new");
    expect(await copyToDirectory({ directory: back, postgres })).toEqual(there);
    expect(dump(back)).toEqual(before);
  });

  test("gives a gateway with PostgreSQL the same keys, in their order, and the same usage", async () => {
    const from = filled();
    const { postgres } = places(from);
    await copyToPostgres({ directory: from, postgres });
    const [sqlite, copied] = [new KeyDatabase(from), await openPostgresKeys(postgres)];
    expect(await copied.list()).toEqual(sqlite.list());
    expect(await copied.teams()).toEqual(sqlite.teams());
    await copied.add(keyFor("new", freshSecret()));
    expect((await copied.list()).map(({ caller }) => caller)).toEqual(["alice", "zoe", "alice", "new"]);
    sqlite.close();
    await copied.close();
    using ledger = LedgerQueries.open(from);
    for (const by of ["day", "caller", "team", "session"] as const) {
      expect(await askPostgres(postgres, { by })).toEqual(ledger?.usage({ by }));
    }
  });

  test("is refused where there is something already, which stays", async () => {
    const [from, other] = [filled(), newDirectory()];
    const { postgres } = places(from);
    await copyToPostgres({ directory: from, postgres });
    await expect(copyToPostgres({ directory: from, postgres })).rejects.toThrow(
      "is not empty: set data.postgres.schema",
    );
    await expect(copyToDirectory({ directory: from, postgres })).rejects.toThrow("is not empty: name a new one");
    writeFileSync(join(other, "notes.txt"), "mine");
    await expect(copyToDirectory({ directory: other, postgres })).rejects.toThrow("is not empty: name a new one");
    expect(readdirSync(other).filter((name) => !name.endsWith(".lock"))).toEqual(["notes.txt"]);
  });

  test("goes over what one left that was interrupted, unless that had begun to put databases in their place", async () => {
    const from = filled();
    const { postgres } = places(from);
    const there = await copyToPostgres({ directory: from, postgres });
    const target = newDirectory();
    mkdirSync(join(target, ".migrating-1"));
    writeFileSync(join(target, ".migrating-1", DATABASE_FILE), "a part");
    expect(await copyToDirectory({ directory: target, postgres })).toEqual(there);
    expect(readdirSync(target).filter((name) => name.startsWith(".migrating"))).toEqual([]);
    mkdirSync(join(target, ".migrating-2"));
    const refused = `the directory ${target} holds a part of a migration that was interrupted: name a new one`;
    await expect(copyToDirectory({ directory: target, postgres })).rejects.toThrow(refused);
    expect(dump(target)).toEqual(dump(from));
  });

  test("of a schema without tables is refused, and makes nothing", async () => {
    const { postgres } = places("");
    const directory = join(newDirectory(), "new");
    await expect(copyToDirectory({ directory, postgres })).rejects.toThrow(
      `there is nothing in the schema ${postgres.schema}`,
    );
    expect(schemas(postgres.schema)).toBe("0");
    expect(existsSync(join(directory, DATABASE_FILE))).toBe(false);
  });

  test("is refused while a gateway uses either place", async () => {
    const from = filled();
    const { postgres } = places(from);
    const claim = claimDirectory({ directory: from, shared: true, pid: 4321 });
    await expect(copyToPostgres({ directory: from, postgres })).rejects.toThrow("in use by another gateway (pid 4321");
    claim.close();
    const database = new PostgresDatabase(postgres);
    const lock = new RunLock({ ...postgres, instance: "one", shared: true, taken: () => {} }, database);
    await lock.take();
    const refused = "PostgreSQL at 127.0.0.1";
    await expect(copyToPostgres({ directory: from, postgres })).rejects.toThrow(refused);
    await expect(copyToDirectory({ directory: newDirectory(), postgres })).rejects.toThrow("is in use by another");
    await lock.close();
    await database.close(1_000);
    expect(schemas(postgres.schema)).toBe("0");
  });

  test("of a directory with a row that PostgreSQL refuses leaves nothing there, and quotes no row", async () => {
    const from = filled();
    const raw = new DatabaseSync(join(from, DATABASE_FILE));
    raw.exec("PRAGMA ignore_check_constraints = ON; UPDATE documents SET value = 'a secret, no JSON'");
    raw.close();
    const { postgres } = places(from);
    const { message: said } = (await copyToPostgres({ directory: from, postgres }).catch(
      (error: Error) => error,
    )) as Error;
    expect(said).toContain("PostgreSQL's error 22P02");
    expect(said).not.toContain("secret");
    expect(schemas(postgres.schema)).toBe("0");
  });

  test("of a schema with a row that SQLite refuses leaves no database", async () => {
    const from = filled();
    const { postgres } = places(from);
    await copyToPostgres({ directory: from, postgres });
    server().ask(
      `ALTER TABLE ${postgres.schema}.streams DROP CONSTRAINT streams_outcome_check;
       UPDATE ${postgres.schema}.streams SET outcome = 'odd' WHERE stream = 'lost'`,
    );
    const target = newDirectory();
    await expect(copyToDirectory({ directory: target, postgres })).rejects.toThrow(
      `${target} cannot be used: constraint`,
    );
    expect(readdirSync(target).filter((name) => !name.endsWith(".lock"))).toEqual([]);
  });

  test("of a directory without databases is refused, and makes nothing", async () => {
    const from = join(newDirectory(), "typo");
    await expect(copyToPostgres(places(from))).rejects.toThrow(`there is no database in ${from}`);
    expect(existsSync(from)).toBe(false);
  });

  test("copies what there is when a database is missing", async () => {
    const from = newDirectory();
    new KeyDatabase(from).close();
    const { postgres } = places(from);
    expect((await copyToPostgres({ directory: from, postgres })).map(({ count }) => count)).toEqual([0, 0, 0, 0, 0, 0]);
    const back = newDirectory();
    await copyToDirectory({ directory: back, postgres });
    expect(readdirSync(back)).toEqual(expect.arrayContaining(FILES.map(({ name }) => name)));
  });
});
