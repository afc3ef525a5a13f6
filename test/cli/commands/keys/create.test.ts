import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { isWhole } from "../../../../src/core/caller/key-secret.ts";
import { sha256Of } from "../../../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { EVERY_CAP, keyCommands, TWO_MODELS } from "./key-commands.ts";

const directory = temporaryDirectories();
const place = (config?: unknown) => keyCommands(directory(), config);

describe("a key's models and routes are among those of the configuration", () => {
  test.each([
    ["--models", "nope", "--models: there is no nope in the configuration; there are gpt, claude, gpt-*"],
    ["--models", "gpt,nope-*", "--models: there is no nope-* in the configuration; there are gpt, claude, gpt-*"],
    ["--routes", "nope", "--routes: there is no nope in the configuration; there are openai"],
  ])("%s %s is refused with those there are", async (option, names, said) => {
    const { keys, storedKeys } = place(TWO_MODELS);
    expect(await keys("create", "alice", option, names)).toEqual({ code: 2, stdout: "", stderr: `sluice: ${said}\n` });
    expect(storedKeys()).toEqual([]);
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
    const { keys, storedKeys } = place();
    const { code, stdout, stderr } = await keys("create", "alice");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^sluice: key_\w{12} for alice\. .*once/),
    });
    const secret = stdout.trim();
    expect(isWhole(secret)).toBe(true);
    expect(storedKeys()).toMatchObject([{ caller: "alice", secrets: [{ sha256: sha256Of(secret) }] }]);
    expect(JSON.stringify(storedKeys())).not.toContain(secret);
  });

  test("without options a key may chat and stream, use every model with the gateway's provider keys, and never expires", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice");
    expect(storedKeys()).toMatchObject([
      { scopes: ["chat", "streams"], caps: {}, onAbort: "cancel", upstreamKeys: "managed" },
    ]);
    expect(storedKeys()[0]).not.toHaveProperty("models");
    expect(storedKeys()[0]).not.toHaveProperty("expiresAt");
  });

  test("stores every option of the key", async () => {
    const { keys, storedKeys } = place(TWO_MODELS);
    const options = [
      ["--scopes", "streams,read,streams"],
      ["--models", "gpt, claude"],
      ["--routes", "openai"],
      ["--away", "finish"],
      ["--on-abort", "drain"],
      ["--upstream-key", "own_or_managed"],
      ["--expires", "2100-01-31"],
    ].flat();
    expect((await keys("create", "alice", ...EVERY_CAP.options, ...options)).code).toBe(0);
    expect(storedKeys()).toMatchObject([
      {
        scopes: ["streams", "read"],
        models: ["gpt", "claude"],
        routes: ["openai"],
        caps: EVERY_CAP.stored,
        away: "finish",
        onAbort: "drain",
        upstreamKeys: "own_or_managed",
        expiresAt: Date.UTC(2100, 0, 31),
      },
    ]);
  });

  test("--expires 30d counts from now", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice", "--expires", "30d");
    const { createdAt = 0, expiresAt = 0 } = storedKeys()[0] ?? {};
    expect(expiresAt - createdAt).toBe(30 * 86_400_000);
  });

  test("--json prints the key and its secret", async () => {
    const { keys, storedKeys } = place();
    const { stdout, stderr } = await keys("create", "alice", "--json");
    const { secret, ...key } = JSON.parse(stdout);
    expect(key).toMatchObject({ id: storedKeys()[0]?.id, caller: "alice", state: "good", scopes: ["chat", "streams"] });
    expect(key).not.toHaveProperty("secrets");
    expect(storedKeys()[0]?.secrets).toEqual([{ sha256: sha256Of(secret) }]);
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
    const { keys, storedKeys } = place();
    const { code, stdout, stderr } = await keys("create", ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`sluice: ${reason}`);
    expect(storedKeys()).toEqual([]);
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
