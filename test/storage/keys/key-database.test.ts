import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import { KEY_FILE, KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateway-key.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const directory = temporaryDirectories();

function open(path = directory()) {
  const database = new KeyDatabase(path);
  return { path, database, [Symbol.dispose]: () => database.close() };
}

describe("the keys in sqlite", () => {
  test("a key is returned as it was stored, even after the file was reopened", () => {
    const path = directory();
    const key = keyFor("alice", freshSecret(), { models: ["gpt"], caps: { costPerDay: 2.5 }, expiresAt: 99 });
    {
      using first = open(path);
      first.database.add(key);
    }
    using again = open(path);
    expect(again.database.list()).toEqual([key]);
  });

  test("only the owner can read the file and its write-ahead log", () => {
    using keys = open();
    keys.database.add(keyFor("alice", freshSecret()));
    for (const file of [KEY_FILE, `${KEY_FILE}-wal`]) {
      expect(statSync(join(keys.path, file)).mode & 0o077).toBe(0);
    }
  });

  test("a caller has one unrevoked key, and may get another once that is revoked", () => {
    using keys = open();
    keys.database.add(keyFor("alice", freshSecret()));
    expect(() => keys.database.add(keyFor("alice", freshSecret(), { id: "key_2" }))).toThrow("alice already has a key");
    keys.database.change("alice", (key) => ({ ...key, revokedAt: 5 }));
    keys.database.add(keyFor("alice", freshSecret(), { id: "key_2" }));
    expect(keys.database.list().map(({ id, revokedAt }) => [id, revokedAt])).toEqual([
      ["key_alice", 5],
      ["key_2", undefined],
    ]);
  });

  test("a key is found by its id, or by its caller while it is not revoked", () => {
    using keys = open();
    keys.database.add(keyFor("alice", freshSecret(), { id: "key_1" }));
    expect(keys.database.change("key_1", (key) => ({ ...key, away: "finish" })).away).toBe("finish");
    expect(keys.database.change("alice", (key) => ({ ...key, revokedAt: 5 })).id).toBe("key_1");
    expect(() => keys.database.change("alice", (key) => key)).toThrow("there is no key alice");
    expect(keys.database.change("key_1", (key) => key).revokedAt).toBe(5);
  });

  test("a change that throws changes nothing and frees the file", () => {
    using keys = open();
    keys.database.add(keyFor("alice", freshSecret()));
    const failing = () => {
      throw new Error("no");
    };
    expect(() => keys.database.change("alice", failing)).toThrow("no");
    using other = open(keys.path);
    expect(other.database.change("alice", (key) => key).caller).toBe("alice");
  });

  test("the version shows another connection's change, not its own", () => {
    using keys = open();
    using other = open(keys.path);
    const before = keys.database.version();
    keys.database.add(keyFor("alice", freshSecret()));
    expect(keys.database.version()).toBe(before);
    other.database.add(keyFor("bob", freshSecret()));
    expect(keys.database.version()).not.toBe(before);
    expect(keys.database.list().map(({ caller }) => caller)).toEqual(["alice", "bob"]);
  });

  test("a name that looks like SQL is a name", () => {
    using keys = open();
    expect(() => keys.database.change("x' OR '1'='1", (key) => key)).toThrow("there is no key");
  });

  test("a file of a newer version is refused and left unchanged", () => {
    const path = directory();
    open(path).database.close();
    const raw = new DatabaseSync(join(path, KEY_FILE));
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(() => new KeyDatabase(path)).toThrow("newer version");
  });
});
