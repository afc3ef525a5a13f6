import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import type { LedgerClosing, LedgerOpening } from "../../../src/core/ledger/ledger.ts";
import { LEDGER_FILE, LedgerDatabase } from "../../../src/storage/ledger/ledger-database.ts";
import { LedgerQueries } from "../../../src/storage/ledger/ledger-queries.ts";
import { closingWrite, openingWrite } from "../../../src/storage/ledger/ledger-rows.ts";
import { holdLock, liveInstances } from "../../../src/storage/sqlite/instance-lock.ts";
import { closing, NOON, opening } from "../../support/stores/ledger-rows.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const open = (path: string, instance = "me", busyMs = 0) => new LedgerDatabase(path, { instance, busyMs });
const opened = (stream: string, more?: Partial<LedgerOpening>) => openingWrite(opening(stream, more));
const closed = (stream: string, more?: Partial<LedgerClosing>) => closingWrite(closing(stream, more));
const rowsOf = ({ connection }: LedgerDatabase) =>
  connection
    .prepare("SELECT * FROM streams ORDER BY rowid")
    .all()
    .map((row) => ({ ...row }));

describe("a row", () => {
  test("holds every figure of a stream", () => {
    const database = open(directory());
    const usage = {
      source: "exact",
      inputTokens: 1,
      outputTokens: 2,
      cacheReadTokens: 3,
      cacheWriteTokens: 4,
      reasoningTokens: 5,
    } as const;
    database.write([
      opened("a", { session: "agent:main", team: "research" }),
      closed("a", { outcome: "failed", code: "upstream_reset", usage, anomalies: ["lossy", "resent"] }),
    ]);
    expect(rowsOf(database)).toEqual([
      {
        stream: "a",
        attempt: 1,
        is_left: 0,
        instance: "me",
        caller: "ann",
        key_id: "k_ann",
        team: "research",
        face: "stream",
        session: "agent:main",
        route: "chat",
        model: "gpt",
        upstream_model: "gpt-test",
        opened_at: NOON,
        closed_at: NOON + 100,
        outcome: "failed",
        code: "upstream_reset",
        source: "exact",
        input_tokens: 1,
        output_tokens: 2,
        cache_read_tokens: 3,
        cache_write_tokens: 4,
        reasoning_tokens: 5,
        cost_nano: 600_000,
        counted_nano: null,
        counted_tokens: null,
        first_byte_ms: 10.5,
        first_content_ms: 20,
        first_sent_ms: 20.25,
        total_ms: 100.125,
        events: 12,
        bytes: 3_456,
        anomalies: "lossy,resent",
      },
    ]);
    database.close();
  });

  test("never ends before it began, even when the clock is set back an hour", () => {
    const database = open(directory());
    database.write([opened("a"), closed("a", { closedAt: NOON - 3_600_000 })]);
    expect(rowsOf(database)).toMatchObject([{ opened_at: NOON, closed_at: NOON }]);
    database.close();
  });

  test("written twice, as after a commit whose acknowledgement was lost, is one row", () => {
    const database = open(directory());
    const batch = [opened("a"), closed("a")];
    expect([database.write(batch), database.write(batch)]).toEqual([0, 0]);
    expect(rowsOf(database)).toHaveLength(1);
    database.close();
  });

  test("that the tables refuse is counted, and the others are kept", () => {
    const database = open(directory());
    const broken = { ...opened("b"), values: { ...opened("b").values, opened_at: 1.5 } };
    expect(database.write([opened("a"), broken, closed("b"), opened("c")])).toBe(1);
    expect(rowsOf(database).map(({ stream }) => stream)).toEqual(["a", "c"]);
    database.close();
  });
});

/** Settles what dead runs left, as the thread does. */
const sweep = (database: LedgerDatabase, living: readonly string[], wallMs: number): number =>
  database.dead(() => new Set(living)).reduce((closed, dead) => closed + database.settle(dead, wallMs), 0);

describe("a sweep", () => {
  test("closes the rows of dead runs as lost, with their prompts as the estimate, and leaves those of running ones open", () => {
    const path = directory();
    const dead = open(path, "dead");
    dead.write([opened("a"), opened("b"), closed("b")]);
    dead.close();
    const living = open(path, "living");
    living.write([opened("c")]);
    const me = open(path, "me");
    me.write([opened("d")]);
    expect(sweep(me, ["living"], NOON + 5)).toBe(1);
    expect(
      rowsOf(me).map(({ stream, outcome, source, input_tokens, output_tokens, cost_nano, closed_at }) => [
        stream,
        outcome,
        source,
        [input_tokens, output_tokens, cost_nano],
        closed_at,
      ]),
    ).toEqual([
      ["a", "lost", "estimated", [90, null, 90_000], NOON + 5],
      ["b", "completed", "exact", [100, 20, 600_000], NOON + 100],
      ["c", null, null, [null, null, null], null],
      ["d", null, null, [null, null, null], null],
    ]);
    expect(sweep(me, ["living"], NOON + 6)).toBe(0);
    living.close();
    me.close();
  });

  test("reports unknown usage for rows written before prompts were counted", () => {
    const path = directory();
    const dead = open(path, "dead");
    const { counted_tokens: _, counted_nano: __, ...values } = opened("a").values;
    dead.write([{ kind: "open", values: { ...values, counted_tokens: null, counted_nano: null } }]);
    dead.close();
    const me = open(path, "me");
    expect(sweep(me, [], NOON + 5)).toBe(1);
    expect(rowsOf(me)).toMatchObject([{ outcome: "lost", source: "unknown", input_tokens: null, cost_nano: null }]);
    me.close();
  });

  test("that mistook a running gateway for dead is corrected by the stream's own end", () => {
    const database = open(directory());
    const other = { ...opened("a") };
    database.write([other]);
    database.connection.exec("UPDATE streams SET instance = 'other'");
    sweep(database, [], NOON);
    database.write([closed("a")]);
    expect(rowsOf(database)).toMatchObject([{ outcome: "completed", source: "exact", input_tokens: 100 }]);
    database.write([closed("a", { outcome: "failed" })]);
    expect(rowsOf(database)).toMatchObject([{ outcome: "completed" }]);
    database.close();
  });
});

describe("the lock of a run", () => {
  test("shows that the run is alive until it is released, which removes its file", () => {
    const path = directory();
    const lock = holdLock(path, "ledger", "one");
    expect(liveInstances(path, "ledger")).toEqual({ held: ["one"], unclear: [] });
    lock.close();
    expect(liveInstances(path, "ledger")).toEqual({ held: [], unclear: [] });
    expect(readdirSync(path)).toEqual([]);
  });

  test("of a dead run is free, and the check removes its file", () => {
    const path = directory();
    writeFileSync(join(path, "ledger-dead.lock"), "");
    expect(liveInstances(path, "ledger")).toEqual({ held: [], unclear: [] });
    expect(readdirSync(path)).toEqual([]);
  });

  test("is taken again when a check removes the file just created", () => {
    const path = directory();
    // A check between the file's creation and its locking.
    writeFileSync(join(path, "ledger-new.lock"), "");
    expect(liveInstances(path, "ledger")).toEqual({ held: [], unclear: [] });
    const lock = holdLock(path, "ledger", "new");
    for (let look = 0; look < 3; look++) expect(liveInstances(path, "ledger").held).toEqual(["new"]);
    expect(readdirSync(path)).toEqual(["ledger-new.lock"]);
    lock.close();
  });

  test("that cannot be checked is unclear, and its file stays", () => {
    const path = directory();
    writeFileSync(join(path, "ledger-odd.lock"), "no database at all, but something somebody may need. ".repeat(20));
    expect(liveInstances(path, "ledger")).toEqual({ held: [], unclear: ["odd"] });
    expect(readdirSync(path)).toEqual(["ledger-odd.lock"]);
  });
});

describe("the file", () => {
  test("is private to its owner and survives a power failure", () => {
    const path = join(directory(), "made", "deep");
    const database = open(path);
    database.write([opened("a")]);
    const mode = (name: string) => statSync(join(path, name)).mode & 0o777;
    expect([".", LEDGER_FILE, `${LEDGER_FILE}-wal`].map(mode)).toEqual([0o700, 0o600, 0o600]);
    expect(database.connection.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(database.connection.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    database.close();
  });

  test("that is full refuses a whole batch, and accepts it once there is room", () => {
    const database = open(directory());
    const { page_count: pages } = database.connection.prepare("PRAGMA page_count").get() as { page_count: number };
    database.connection.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const batch = Array.from({ length: 200 }, (_, index) => opened(`s${index}`, { session: "x".repeat(200) }));
    expect(() => database.write(batch)).toThrow(expect.objectContaining({ errstr: "database or disk is full" }));
    expect(rowsOf(database)).toEqual([]);
    database.connection.exec("PRAGMA max_page_count = 100000");
    expect(database.write(batch)).toBe(0);
    expect(rowsOf(database)).toHaveLength(200);
    database.close();
  });

  test("of a newer version, or a file that is not a ledger, is refused and left unchanged", () => {
    const newer = directory();
    const connection = new DatabaseSync(join(newer, LEDGER_FILE));
    connection.exec("PRAGMA user_version = 99");
    connection.close();
    expect(() => open(newer)).toThrow("newer version (step 99");
    const other = directory();
    const text = "not a database at all. ".repeat(100);
    writeFileSync(join(other, LEDGER_FILE), text);
    expect(() => open(other)).toThrow("file is not a database");
    expect(readFileSync(join(other, LEDGER_FILE), "utf8")).toBe(text);
  });

  test("deletes closed streams past their retention, however many, and keeps running ones", () => {
    const database = open(directory());
    const rows = Array.from({ length: 2_500 }, (_, index) => `old${index}`).flatMap((stream) => [
      opened(stream),
      closed(stream),
    ]);
    database.write([...rows, opened("runs"), opened("new", { openedAt: NOON + 1 }), closed("new")]);
    expect([1, 2, 3].map(() => database.prune(NOON + 1))).toEqual([true, true, false]);
    expect(rowsOf(database).map(({ stream }) => stream)).toEqual(["runs", "new"]);
    database.close();
  });
});

describe("a query", () => {
  test("reads committed rows while a gateway writes", () => {
    const path = directory();
    const database = open(path);
    database.write([opened("a")]);
    database.connection.exec("BEGIN IMMEDIATE");
    database.connection.exec("DELETE FROM streams");
    using queries = LedgerQueries.open(path);
    expect(queries?.usage({ by: "route" }).lines).toMatchObject([{ group: "chat", streams: 1 }]);
    database.connection.exec("ROLLBACK");
    database.close();
  });

  test("reads a ledger that no gateway has open, and changes nothing", () => {
    const path = directory();
    const database = open(path);
    database.write([opened("a")]);
    database.close();
    const before = readFileSync(join(path, LEDGER_FILE));
    {
      using queries = LedgerQueries.open(path);
      expect(queries?.usage({ by: "route" }).lines).toHaveLength(1);
    }
    expect(readFileSync(join(path, LEDGER_FILE)).equals(before)).toBe(true);
  });

  test("finds no ledger where there is none, and creates none", () => {
    const path = directory();
    expect(LedgerQueries.open(path)).toBeUndefined();
    expect(readdirSync(path)).toEqual([]);
  });

  test("returns at most ten thousand groups, and says that there are more", () => {
    const database = open(directory());
    const rows = Array.from({ length: 10_001 }, (_, index) => opened(`s${index}`, { session: `s${index}` }));
    database.write(rows);
    const queries = new LedgerQueries(database.connection);
    const { lines, more } = queries.usage({ by: "session" });
    expect([lines.length, more]).toEqual([10_000, true]);
    expect(queries.usage({ by: "session", until: 0 })).toMatchObject({ more: false });
    database.close();
  });
});
