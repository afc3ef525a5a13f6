import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import { KEY_FILE, KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { watchKeys } from "../../../src/storage/keys/key-watch.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { keyContract } from "./key-contract.ts";

const directory = temporaryDirectories();

function open(path = directory()) {
  const database = new KeyDatabase(path);
  return { path, database, [Symbol.dispose]: () => database.close() };
}

keyContract("a data directory", () => {
  const path = directory();
  const raw = (statement: string) => {
    using other = new DatabaseSync(join(path, KEY_FILE));
    other.exec(statement);
  };
  return {
    open: async () => new KeyDatabase(path),
    watch: (news) => watchKeys({ directory: path, ...news }),
    spoil: () => raw("ALTER TABLE keys RENAME TO hidden"),
    mend: () => raw("ALTER TABLE hidden RENAME TO keys"),
  };
});

describe("the keys in sqlite", () => {
  test("only the owner can read the file and its write-ahead log", () => {
    using keys = open();
    keys.database.add(keyFor("alice", freshSecret()));
    for (const file of [KEY_FILE, `${KEY_FILE}-wal`]) {
      expect(statSync(join(keys.path, file)).mode & 0o077).toBe(0);
    }
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

  test("a file of a newer version is refused and left unchanged", () => {
    const path = directory();
    open(path).database.close();
    const raw = new DatabaseSync(join(path, KEY_FILE));
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(() => new KeyDatabase(path)).toThrow("newer version");
  });
});
