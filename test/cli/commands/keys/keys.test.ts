import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { isWhole } from "../../../../src/core/caller/key-secret.ts";
import { sha256Of } from "../../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { keyCommands, TWO_MODELS } from "./key-commands.ts";

const directory = temporaryDirectories();
const place = (config?: unknown) => keyCommands(directory(), config);

describe("sluice keys list", () => {
  test("prints an aligned table of unrevoked keys", async () => {
    const { keys } = place(TWO_MODELS);
    await keys("create", "alice", "--tokens-per-day", "1000", "--concurrent-streams", "4");
    await keys("create", "a-caller-with-a-long-name", "--models", "gpt", "--expires", "2100-01-31T08:00Z");
    await keys("create", "gone");
    await keys("revoke", "gone");
    const lines = (await keys("list")).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    const [head = "", alice = "", other = ""] = lines;
    expect(head).toMatch(/^ID +CALLER +STATE +SCOPES +MODELS +ROUTES +UPSTREAM KEY +EXPIRES +TEAM +CAPS$/);
    expect(alice).toMatch(
      /^key_\w+ +alice +good +chat,streams +all +all +managed +never +none +tokens\/day 1000, streams at once 4$/,
    );
    expect(other).toMatch(
      / a-caller-with-a-long-name +good +chat,streams +gpt +all +managed +2100-01-31 08:00 +none +none$/,
    );
    for (const line of [alice, other]) expect(line.indexOf("good")).toBe(head.indexOf("STATE"));
  });

  test("--all includes revoked ones, --json prints JSON, and neither shows a digest", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice");
    await keys("revoke", "alice");
    const { stdout } = await keys("list", "--all", "--json");
    expect(JSON.parse(stdout)).toMatchObject([{ caller: "alice", state: "revoked" }]);
    expect(stdout).not.toContain(storedKeys()[0]?.secrets[0]?.sha256);
    expect((await keys("list", "--all")).stdout).toMatch(/alice +revoked/);
    expect(JSON.parse((await keys("list", "--json")).stdout)).toEqual([]);
  });

  test("says so when there are no keys", async () => {
    expect(await place().keys("list")).toEqual({
      code: 0,
      stdout: "",
      stderr: "sluice: there are no keys; create one with sluice keys create\n",
    });
  });
});

describe("sluice keys revoke", () => {
  test("revokes by caller or id, once", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice");
    const { id = "" } = storedKeys()[0] ?? {};
    expect(await keys("revoke", "alice")).toEqual({ code: 0, stdout: `${id} of alice is revoked\n`, stderr: "" });
    const at = storedKeys()[0]?.revokedAt;
    expect(at).toBeGreaterThan(0);
    expect((await keys("revoke", id)).code).toBe(0);
    expect(storedKeys()[0]?.revokedAt).toBe(at);
  });

  test("an unknown key is an error", async () => {
    expect(await place().keys("revoke", "nobody")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: there is no key nobody; sluice keys list shows all\n",
    });
  });
});

describe("sluice keys rotate", () => {
  test("gives the same key a new secret; the old one is gone", async () => {
    const { keys, storedKeys } = place();
    const old = (await keys("create", "alice")).stdout.trim();
    const [before] = storedKeys();
    const fresh = (await keys("rotate", "alice")).stdout.trim();
    expect(isWhole(fresh)).toBe(true);
    expect(fresh).not.toBe(old);
    expect(storedKeys()).toEqual([{ ...before, secrets: [{ sha256: sha256Of(fresh) }] }]);
  });

  test("--overlap keeps the old secret valid for a while, however often the key is rotated", async () => {
    const { keys, storedKeys } = place();
    const first = (await keys("create", "alice")).stdout.trim();
    await keys("rotate", "alice", "--overlap", "10m");
    const until = storedKeys()[0]?.secrets[1]?.until ?? 0;
    expect(until - Date.now()).toBeGreaterThan(9 * 60_000);
    await keys("rotate", "alice", "--overlap", "1h");
    const secrets = storedKeys()[0]?.secrets ?? [];
    expect(secrets).toHaveLength(3);
    expect(secrets[2]).toEqual({ sha256: sha256Of(first), until });
    await keys("rotate", "alice");
    expect(storedKeys()[0]?.secrets).toHaveLength(1);
  });

  test("a revoked key stays revoked", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice");
    await keys("revoke", "alice");
    const { id = "" } = storedKeys()[0] ?? {};
    expect(await keys("rotate", id)).toEqual({ code: 2, stdout: "", stderr: `sluice: ${id} is revoked\n` });
  });
});

describe("sluice keys", () => {
  test.each([[[]], [["--help"]], [["create", "-h"]]])("%j prints the usage", async (args) => {
    const { code, stdout } = await place().keys(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: sluice keys create/);
    expect(stdout.split("\n").every((line) => line.length <= 100)).toBe(true);
  });

  test("an unknown command is bad usage", async () => {
    expect(await place().keys("make")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no command keys make"),
    });
  });

  test("--data names the store without a configuration, even beside a broken one", async () => {
    const { cwd, keys, storedKeys } = place({ nonsense: true });
    expect((await keys("create", "alice")).code).toBe(1);
    expect((await keys("create", "alice", "--data", "store")).code).toBe(0);
    expect(storedKeys()).toMatchObject([{ caller: "alice" }]);
    expect((await keys("list", "--data", join(cwd, "store"))).stdout).toContain("alice");
  });

  test("--config names the configuration, which names the store", async () => {
    const { cwd, keys, storedKeys } = place({});
    writeFileSync(join(cwd, "other.json"), JSON.stringify({ data: { directory: "store" } }));
    expect((await keys("create", "alice", "--config", "other.json")).code).toBe(0);
    expect(storedKeys()).toMatchObject([{ caller: "alice" }]);
  });

  test("a store in memory, or one that cannot be opened, is a failure with its reason", async () => {
    expect(await place({ data: { store: "memory" } }).keys("list")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("data.store is memory"),
    });
    const { cwd, keys } = place();
    writeFileSync(join(cwd, "file"), "");
    expect(await keys("list", "--data", "file")).toMatchObject({
      code: 1,
      stderr: `sluice: the data directory ${cwd}/file cannot be used: ${cwd}/file is not a directory; set --data to another one\n`,
    });
    expect(await keys("list", "--data", "")).toMatchObject({ code: 2, stderr: "sluice: --data is empty\n" });
  });
});
