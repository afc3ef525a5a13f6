import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { isWhole } from "../../../src/core/caller/key-secret.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { sha256Of } from "../../support/gateway-key.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const directory = temporaryDirectories();

/** A fresh directory with a data directory `store`, and `sluice keys` running in it. */
function place(config: unknown = { data: { directory: "store" } }) {
  const cwd = directory();
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(config));
  const keys = async (...args: readonly string[]) => {
    const seen = { stdout: "", stderr: "" };
    const code = await runKeys(args, {
      env: {},
      cwd,
      stdout: { write: (text) => (seen.stdout += text) },
      stderr: { write: (text) => (seen.stderr += text) },
    });
    return { code, ...seen };
  };
  const stored = () => {
    const database = new KeyDatabase(join(cwd, "store"));
    try {
      return database.list();
    } finally {
      database.close();
    }
  };
  return { cwd, keys, stored };
}

/** A configuration with the models gpt and claude. */
const TWO_MODELS = {
  data: { directory: "store" },
  routes: { openai: { dialect: "openai-chat", baseUrl: "https://api.openai.com/v1", passModels: ["gpt-*"] } },
  models: { gpt: { route: "openai", model: "gpt-5" }, claude: { route: "openai", model: "claude" } },
};

describe("a key's models and routes are among those of the configuration", () => {
  test.each([
    ["--models", "nope", "--models: there is no nope in the configuration; there are gpt, claude, gpt-*"],
    ["--models", "gpt,nope-*", "--models: there is no nope-* in the configuration; there are gpt, claude, gpt-*"],
    ["--routes", "nope", "--routes: there is no nope in the configuration; there are openai"],
  ])("%s %s is refused with those there are", async (option, names, said) => {
    const { keys, stored } = place(TWO_MODELS);
    expect(await keys("create", "alice", option, names)).toEqual({ code: 2, stdout: "", stderr: `sluice: ${said}\n` });
    expect(stored()).toEqual([]);
  });

  test.each(["gpt", "c*", "gpt-5-mini", "gpt-5*", "*"])("the model %s is known", async (name) => {
    expect((await place(TWO_MODELS).keys("create", "alice", "--models", name)).code).toBe(0);
  });

  test("the demo's models are known", async () => {
    expect((await place().keys("create", "alice", "--models", "demo", "--routes", "demo-chat")).code).toBe(0);
  });

  test("--data reads no configuration, so it says that the names are not checked, if there are any", async () => {
    const { keys, cwd } = place();
    const create = (name: string, ...options: string[]) =>
      keys("create", name, ...options, "--data", join(cwd, "other"));
    const said = "sluice: --data reads no configuration: the names of --";
    expect(await create("ann", "--models", "nope")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${said}models are not`),
    });
    expect(await create("bob", "--routes", "nope")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${said}routes are not`),
    });
    expect((await create("cat", "--tokens-per-day", "9")).stderr).not.toContain("not checked");
    expect((await keys("list", "--data", join(cwd, "other"))).stderr).toBe("");
  });
});

describe("sluice keys create", () => {
  test("prints only the secret to standard output, and stores only its digest", async () => {
    const { keys, stored } = place();
    const { code, stdout, stderr } = await keys("create", "alice");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^sluice: key_\w{12} for alice\. .*once/),
    });
    const secret = stdout.trim();
    expect(isWhole(secret)).toBe(true);
    expect(stored()).toMatchObject([{ caller: "alice", secrets: [{ sha256: sha256Of(secret) }] }]);
    expect(JSON.stringify(stored())).not.toContain(secret);
  });

  test("without options a key may chat and stream, use every model with the gateway's provider keys, and never expires", async () => {
    const { keys, stored } = place();
    await keys("create", "alice");
    expect(stored()).toMatchObject([
      { scopes: ["chat", "streams"], caps: {}, onAbort: "cancel", upstreamKeys: "managed" },
    ]);
    expect(stored()[0]).not.toHaveProperty("models");
    expect(stored()[0]).not.toHaveProperty("expiresAt");
  });

  test("stores every option of the key", async () => {
    const { keys, stored } = place(TWO_MODELS);
    const options = [
      ["--scopes", "streams,read,streams"],
      ["--models", "gpt, claude"],
      ["--routes", "openai"],
      ["--tokens-per-day", "1000"],
      ["--tokens-per-month", "20000"],
      ["--cost-per-day", "2.50"],
      ["--cost-per-month", "20"],
      ["--requests-per-minute", "60"],
      ["--tokens-per-minute", "100"],
      ["--concurrent-streams", "4"],
      ["--away", "finish"],
      ["--on-abort", "drain"],
      ["--upstream-key", "own_or_managed"],
      ["--expires", "2100-01-31"],
    ].flat();
    expect((await keys("create", "alice", ...options)).code).toBe(0);
    expect(stored()).toMatchObject([
      {
        scopes: ["streams", "read"],
        models: ["gpt", "claude"],
        routes: ["openai"],
        caps: {
          tokensPerDay: 1000,
          tokensPerMonth: 20_000,
          costPerDay: 2.5,
          costPerMonth: 20,
          requestsPerMinute: 60,
          tokensPerMinute: 100,
          concurrentStreams: 4,
        },
        away: "finish",
        onAbort: "drain",
        upstreamKeys: "own_or_managed",
        expiresAt: Date.UTC(2100, 0, 31),
      },
    ]);
  });

  test("--expires 30d counts from now", async () => {
    const { keys, stored } = place();
    await keys("create", "alice", "--expires", "30d");
    const { createdAt = 0, expiresAt = 0 } = stored()[0] ?? {};
    expect(expiresAt - createdAt).toBe(30 * 86_400_000);
  });

  test("--json prints the key and its secret", async () => {
    const { keys, stored } = place();
    const { stdout, stderr } = await keys("create", "alice", "--json");
    const { secret, ...key } = JSON.parse(stdout);
    expect(key).toMatchObject({ id: stored()[0]?.id, caller: "alice", state: "good", scopes: ["chat", "streams"] });
    expect(key).not.toHaveProperty("secrets");
    expect(stored()[0]?.secrets).toEqual([{ sha256: sha256Of(secret) }]);
    expect(stderr).toBe("");
  });

  test.each([
    [["alice", "--scopes", "everything"], "--scopes takes chat, streams, read, logs, admin, not everything"],
    [["alice", "--models", " , "], "--models takes a list of names"],
    [["alice", "--tokens-per-day", "0"], "--tokens-per-day takes a whole number above 0, not 0"],
    [["alice", "--cost-per-day", "cheap"], "--cost-per-day takes an amount such as 20 or 2.50, not cheap"],
    [["alice", "--away", "sleep"], "--away takes continue, finish, cancel, not sleep"],
    [["alice", "--expires", "soon"], "--expires takes a time such as 30d"],
    [
      ["alice", "--expires", "2020-01-01"],
      "--expires takes a future day such as 2027-01-31 (UTC), a time with an offset",
    ],
    [["alice", "--overlap", "10m"], "keys create takes no --overlap"],
    [["alice", "--colour", "red"], "Unknown option '--colour'"],
    [["alice", "bob"], "keys create takes one name"],
    [[], "keys create takes one name"],
    [["token"], "token is the name of callers without a key"],
    [["a lice"], "a caller's name has up to 64"],
  ])("create %j is bad usage, says why, and makes no key", async (args, reason) => {
    const { keys, stored } = place();
    const { code, stdout, stderr } = await keys("create", ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`sluice: ${reason}`);
    expect(stored()).toEqual([]);
  });

  test("a caller cannot have two keys", async () => {
    const { keys } = place();
    await keys("create", "alice");
    expect(await keys("create", "alice")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: alice already has a key; rotate or revoke it\n",
    });
  });
});

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
    const { keys, stored } = place();
    await keys("create", "alice");
    await keys("revoke", "alice");
    const { stdout } = await keys("list", "--all", "--json");
    expect(JSON.parse(stdout)).toMatchObject([{ caller: "alice", state: "revoked" }]);
    expect(stdout).not.toContain(stored()[0]?.secrets[0]?.sha256);
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
    const { keys, stored } = place();
    await keys("create", "alice");
    const { id = "" } = stored()[0] ?? {};
    expect(await keys("revoke", "alice")).toEqual({ code: 0, stdout: `${id} of alice is revoked\n`, stderr: "" });
    const at = stored()[0]?.revokedAt;
    expect(at).toBeGreaterThan(0);
    expect((await keys("revoke", id)).code).toBe(0);
    expect(stored()[0]?.revokedAt).toBe(at);
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
    const { keys, stored } = place();
    const old = (await keys("create", "alice")).stdout.trim();
    const [before] = stored();
    const fresh = (await keys("rotate", "alice")).stdout.trim();
    expect(isWhole(fresh)).toBe(true);
    expect(fresh).not.toBe(old);
    expect(stored()).toEqual([{ ...before, secrets: [{ sha256: sha256Of(fresh) }] }]);
  });

  test("--overlap keeps the old secret valid for a while, however often the key is rotated", async () => {
    const { keys, stored } = place();
    const first = (await keys("create", "alice")).stdout.trim();
    await keys("rotate", "alice", "--overlap", "10m");
    const until = stored()[0]?.secrets[1]?.until ?? 0;
    expect(until - Date.now()).toBeGreaterThan(9 * 60_000);
    await keys("rotate", "alice", "--overlap", "1h");
    const secrets = stored()[0]?.secrets ?? [];
    expect(secrets).toHaveLength(3);
    expect(secrets[2]).toEqual({ sha256: sha256Of(first), until });
    await keys("rotate", "alice");
    expect(stored()[0]?.secrets).toHaveLength(1);
  });

  test("a revoked key stays revoked", async () => {
    const { keys, stored } = place();
    await keys("create", "alice");
    await keys("revoke", "alice");
    const { id = "" } = stored()[0] ?? {};
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
    const { cwd, keys, stored } = place({ nonsense: true });
    expect((await keys("create", "alice")).code).toBe(1);
    expect((await keys("create", "alice", "--data", "store")).code).toBe(0);
    expect(stored()).toMatchObject([{ caller: "alice" }]);
    expect((await keys("list", "--data", join(cwd, "store"))).stdout).toContain("alice");
  });

  test("--config names the configuration, which names the store", async () => {
    const { cwd, keys, stored } = place({});
    writeFileSync(join(cwd, "other.json"), JSON.stringify({ data: { directory: "store" } }));
    expect((await keys("create", "alice", "--config", "other.json")).code).toBe(0);
    expect(stored()).toMatchObject([{ caller: "alice" }]);
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
