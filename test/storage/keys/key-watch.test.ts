import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { KEY_FILE } from "../../../src/storage/keys/key-database.ts";
import { watchKeys } from "../../../src/storage/keys/key-watch.ts";
import { noFault } from "../../support/relay/no-fault.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

/** Watches a directory, and returns the keys that it reports first. */
async function watch(path: string): Promise<readonly (readonly GatewayKey[])[]> {
  const told: (readonly GatewayKey[])[] = [];
  const watching = await watchKeys({ directory: path, keys: (keys) => void told.push(keys), failed: noFault });
  await watching.close();
  return told;
}

describe("watching the keys", () => {
  test("a missing directory is created", async () => {
    expect(await watch(join(directory(), "new"))).toEqual([[]]);
  });

  test("the start fails when the keys cannot be read", async () => {
    const path = directory();
    mkdirSync(join(path, KEY_FILE));
    await expect(watch(path)).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
