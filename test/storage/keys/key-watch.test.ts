import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import type { GatewayError } from "../../../src/core/kernel/errors.ts";
import { KEY_FILE, KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { watchKeys } from "../../../src/storage/keys/key-watch.ts";
import { freshSecret, keyFor } from "../../support/gateway-key.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const directory = temporaryDirectories();

/** Watches a directory; `next` resolves with the next keys reported. */
async function watch(path: string) {
  const told: (readonly GatewayKey[])[] = [];
  const failures: GatewayError[] = [];
  let wake = () => {};
  const woken = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const watching = await watchKeys({
    directory: path,
    keys(keys) {
      told.push(keys);
      wake();
    },
    failed(error) {
      failures.push(error);
      wake();
    },
  });
  return {
    failures,
    async next(): Promise<readonly GatewayKey[]> {
      while (told.length === 0) await woken();
      return told.shift() ?? [];
    },
    async failure(): Promise<GatewayError | undefined> {
      while (failures.length === 0) await woken();
      return failures[0];
    },
    [Symbol.asyncDispose]: () => watching.close(),
  };
}

describe("watching the keys", () => {
  test("reports all keys at the start, and another connection's changes within two seconds", async () => {
    const path = directory();
    const keys = new KeyDatabase(path);
    keys.add(keyFor("alice", freshSecret()));
    await using watching = await watch(path);
    expect((await watching.next()).map(({ caller }) => caller)).toEqual(["alice"]);

    const madeAt = performance.now();
    keys.add(keyFor("bob", freshSecret()));
    expect((await watching.next()).map(({ caller }) => caller)).toEqual(["alice", "bob"]);
    expect(performance.now() - madeAt).toBeLessThan(2_000);

    keys.change("alice", (key) => ({ ...key, revokedAt: 7 }));
    expect((await watching.next()).map(({ revokedAt }) => revokedAt)).toEqual([7, undefined]);
    expect(watching.failures).toEqual([]);
    keys.close();
  });

  test("keys that become unreadable are reported as failed, and reported again once they can be read", async () => {
    const path = directory();
    const keys = new KeyDatabase(path);
    keys.add(keyFor("alice", freshSecret()));
    await using watching = await watch(path);
    await watching.next();
    const other = new DatabaseSync(join(path, KEY_FILE));
    other.exec("ALTER TABLE keys RENAME TO hidden");
    expect(await watching.failure()).toMatchObject({ code: "store_unavailable" });
    other.exec("ALTER TABLE hidden RENAME TO keys");
    expect((await watching.next()).map(({ caller }) => caller)).toEqual(["alice"]);
    other.close();
    keys.close();
  });

  test("a missing directory is created", async () => {
    await using watching = await watch(join(directory(), "new"));
    expect(await watching.next()).toEqual([]);
  });

  test("the start fails when the keys cannot be read", async () => {
    const path = directory();
    mkdirSync(join(path, KEY_FILE));
    await expect(watch(path)).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
