import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { TRANSCRIPT_STEPS } from "../../../src/storage/sqlite/migrations.ts";
import { openDatabase } from "../../../src/storage/sqlite/open-database.ts";
import type { Call } from "../../../src/storage/sqlite/service.ts";
import {
  DATABASE_FILE,
  SqliteDatabase,
  type TranscriptOperations,
} from "../../../src/storage/transcripts/sqlite-database.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { message, session, transcriptsContract } from "./transcripts-contract.ts";

const directory = temporaryDirectories();

/** The database without its thread, as the port. */
function inProcess(database: SqliteDatabase): Transcripts {
  let closed = false;
  const run = async (call: Call<TranscriptOperations>) => {
    const [outcome] = closed ? [] : database.batch([call]);
    if (outcome && "value" in outcome) return outcome.value as never;
    throw { code: "store_unavailable" };
  };
  return {
    sessions: () => run({ name: "sessions", args: [] }),
    session: (...args) => run({ name: "session", args }),
    saveSession: (...args) => run({ name: "saveSession", args }),
    deleteSession: (...args) => run({ name: "deleteSession", args }),
    messages: (...args) => run({ name: "messages", args }),
    message: (...args) => run({ name: "message", args }),
    append: (...args) => run({ name: "append", args }),
    clear: (...args) => run({ name: "clear", args }),
    documents: (...args) => run({ name: "documents", args }),
    document: (...args) => run({ name: "document", args }),
    claim: (kind) => run({ name: "documents", args: [kind] }),
    async release() {},
    follow: () => () => {},
    hurry: () => () => {},
    saveDocument: (...args) => run({ name: "saveDocument", args }),
    deleteDocument: (...args) => run({ name: "deleteDocument", args }),
    close: async () => {
      if (!closed) database.close();
      closed = true;
    },
  };
}

transcriptsContract("the sqlite database", async () => inProcess(new SqliteDatabase(directory())), 30);

/**
 * Commits in a write-ahead log: a header of 32 bytes with the page size at 8, then frames of 24 bytes and a page; the
 * second word of a frame is not zero when it ends a commit (SQLite's file format, section 4.1).
 */
function commitsIn(walFile: string): number {
  const log = readFileSync(walFile);
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at < log.length; at += frameBytes) if (log.readUInt32BE(at + 4) !== 0) commits++;
  return commits;
}

describe("a batch", () => {
  const append = (seq: number): Call<TranscriptOperations> => ({ name: "append", args: ["a", [message(seq)]] });
  // SQLite refuses a fractional seq: the second message of the call fails after the first was written.
  const broken: Call<TranscriptOperations> = { name: "append", args: ["a", [message(7), { ...message(8), seq: 8.5 }]] };

  test("returns an outcome for each call, in order", () => {
    const database = new SqliteDatabase(directory());
    const outcomes = database.batch([append(1), { name: "messages", args: ["a"] }, { name: "sessions", args: [] }]);
    expect(outcomes).toEqual([{ value: undefined }, { value: [message(1)] }, { value: [] }]);
    database.close();
  });

  test("with one faulty call stores the others and nothing of that one", () => {
    const database = new SqliteDatabase(directory());
    const outcomes = database.batch([append(1), broken, append(2)]);
    expect(outcomes).toEqual([
      { value: undefined },
      { failure: expect.objectContaining({ code: "ERR_SQLITE_ERROR" }) },
      { value: undefined },
    ]);
    expect(database.messages("a")).toEqual([message(1), message(2)]);
    database.close();
  });

  test("is one commit, and so one wait for the disk", () => {
    const path = directory();
    const database = new SqliteDatabase(path);
    const before = commitsIn(join(path, `${DATABASE_FILE}-wal`));
    database.batch([append(1), append(2), append(3)]);
    expect(commitsIn(join(path, `${DATABASE_FILE}-wal`))).toBe(before + 1);
    database.batch([append(4)]);
    expect(commitsIn(join(path, `${DATABASE_FILE}-wal`))).toBe(before + 2);
    database.close();
  });

  test("fails after a bounded wait while another process holds the file, and works afterwards", () => {
    const path = directory();
    const database = new SqliteDatabase(path);
    const other = new DatabaseSync(join(path, DATABASE_FILE));
    other.exec("BEGIN IMMEDIATE");
    expect(database.batch([append(1)])).toEqual([
      { failure: expect.objectContaining({ message: "database is locked" }) },
    ]);
    other.exec("ROLLBACK");
    other.close();
    expect(database.batch([append(1)])).toEqual([{ value: undefined }]);
    database.close();
  });
});

describe("the file", () => {
  test("directory and files are private to their owner", () => {
    const path = join(directory(), "made", "deep");
    const database = new SqliteDatabase(path);
    database.saveSession(session("a"));
    const mode = (name: string) => statSync(join(path, name)).mode & 0o777;
    expect(mode(".")).toBe(0o700);
    expect(["", "-wal", "-shm"].map((suffix) => mode(DATABASE_FILE + suffix))).toEqual([0o600, 0o600, 0o600]);
    database.close();
  });

  test("survives a power failure: write-ahead log, synced at every commit", () => {
    const path = directory();
    new SqliteDatabase(path).close();
    const plain = new DatabaseSync(join(path, DATABASE_FILE));
    expect(plain.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    plain.close();
  });

  test("of the current version is opened without a migration", () => {
    const path = directory();
    const first = new SqliteDatabase(path);
    first.saveSession(session("a"));
    first.close();
    const before = readFileSync(join(path, DATABASE_FILE));
    const second = new SqliteDatabase(path);
    expect(second.sessions()).toEqual([session("a")]);
    second.close();
    expect(readFileSync(join(path, DATABASE_FILE)).equals(before)).toBe(true);
  });

  test("of the first version, without documents, is migrated and keeps its sessions and transcripts", () => {
    const path = directory();
    const old = openDatabase(path, DATABASE_FILE, TRANSCRIPT_STEPS.slice(0, 1));
    old.prepare("INSERT INTO sessions VALUES (?, ?, ?)").run("a", 1000, JSON.stringify(session("a")));
    old.prepare("INSERT INTO messages VALUES (?, ?, ?, ?)").run("a", "m1", 1, JSON.stringify(message(1)));
    old.close();
    const database = new SqliteDatabase(path);
    expect(database.sessions()).toEqual([session("a")]);
    expect(database.messages("a")).toEqual([message(1)]);
    database.saveDocument("prefs", "a", 1);
    expect(database.documents("prefs")).toEqual([{ key: "a", value: 1 }]);
    database.close();
  });

  test("of a newer version is refused and left unchanged", () => {
    const path = directory();
    const newer = new DatabaseSync(join(path, DATABASE_FILE));
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(() => new SqliteDatabase(path)).toThrow("newer version (step 99");
  });

  test("that is not a database is refused and left unchanged", () => {
    const path = directory();
    const text = "not a database at all. ".repeat(100);
    writeFileSync(join(path, DATABASE_FILE), text);
    expect(() => new SqliteDatabase(path)).toThrow("file is not a database");
    expect(readFileSync(join(path, DATABASE_FILE), "utf8")).toBe(text);
  });
});
