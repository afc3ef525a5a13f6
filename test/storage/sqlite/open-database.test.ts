import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, jest, test } from "@jest/globals";
import { openDatabase } from "../../../src/storage/sqlite/open-database.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const NAME = "some.db";

/** Another process's connection to a file without a write-ahead log yet, in the middle of a change. */
function changing(path: string): DatabaseSync {
  const other = new DatabaseSync(join(path, NAME));
  other.exec("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (7)");
  return other;
}

test("a database that another process is just changing is opened once that one has done so", () => {
  const path = directory();
  const other = changing(path);
  const wait = jest.spyOn(Atomics, "wait").mockImplementation(() => {
    other.exec("COMMIT");
    return "timed-out";
  });
  const database = openDatabase(path, NAME, ["CREATE TABLE u (x)"]);
  wait.mockRestore();
  expect(database.prepare("SELECT x FROM t").get()).toEqual({ x: 7 });
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
  other.close();
});

test("a database that stays locked is given up after as long as told", () => {
  const path = directory();
  const other = changing(path);
  expect(() => openDatabase(path, NAME, [], 30)).toThrow("database is locked");
  other.close();
});
