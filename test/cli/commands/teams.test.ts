import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { runTeams } from "../../../src/cli/commands/keys/teams.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const directory = temporaryDirectories();

/** A fresh directory with a data directory `store`, and `sluice teams` and `sluice keys` running in it. */
function place() {
  const cwd = directory();
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify({ data: { directory: "store" } }));
  const within =
    (run: typeof runTeams) =>
    async (...args: readonly string[]) => {
      const seen = { stdout: "", stderr: "" };
      const code = await run(args, {
        env: {},
        cwd,
        stdout: { write: (text) => (seen.stdout += text) },
        stderr: { write: (text) => (seen.stderr += text) },
      });
      return { code, ...seen };
    };
  const stored = () => {
    using database = Object.assign(new KeyDatabase(join(cwd, "store")), {
      [Symbol.dispose]() {
        database.close();
      },
    });
    return { teams: database.teams(), keys: database.list() };
  };
  return { teams: within(runTeams), keys: within(runKeys), stored };
}

/** Every cap that a key can have. */
const CAPS = [
  ["--tokens-per-day", "1000"],
  ["--tokens-per-month", "20000"],
  ["--cost-per-day", "2.50"],
  ["--cost-per-month", "20"],
  ["--requests-per-minute", "60"],
  ["--tokens-per-minute", "100"],
  ["--concurrent-streams", "4"],
].flat();

const ALL = {
  tokensPerDay: 1000,
  tokensPerMonth: 20_000,
  costPerDay: 2.5,
  costPerMonth: 20,
  requestsPerMinute: 60,
  tokensPerMinute: 100,
  concurrentStreams: 4,
};

describe("sluice teams", () => {
  test("create stores every cap, once", async () => {
    const { teams, stored } = place();
    expect(await teams("create", "research", ...CAPS)).toMatchObject({ code: 0, stderr: "" });
    expect(stored().teams).toEqual([{ name: "research", caps: ALL }]);
    expect(await teams("create", "research")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: there is a team research already; sluice teams change changes it\n",
    });
    expect(stored().teams).toEqual([{ name: "research", caps: ALL }]);
  });

  test("change sets the caps it names, removes those that are none, and leaves the others", async () => {
    const { teams, stored } = place();
    await teams("create", "research", "--tokens-per-day", "5", "--cost-per-day", "2", "--tokens-per-minute", "9");
    expect((await teams("change", "research", "--tokens-per-day", "7", "--cost-per-day", "none")).code).toBe(0);
    expect(stored().teams).toEqual([{ name: "research", caps: { tokensPerDay: 7, tokensPerMinute: 9 } }]);
    expect(await teams("change", "sales", "--tokens-per-day", "7")).toMatchObject({
      code: 2,
      stderr: "sluice: there is no team sales; sluice teams list shows all\n",
    });
  });

  test("list and show have each team's caps and the callers whose keys are in it", async () => {
    const { teams, keys } = place();
    expect(await teams("list")).toEqual({
      code: 0,
      stdout: "",
      stderr: "sluice: there are no teams; create one with sluice teams create\n",
    });
    await teams("create", "sales");
    await teams("create", "research", "--cost-per-month", "500");
    for (const caller of ["alice", "bob", "carol"]) await keys("create", caller, "--team", "research");
    await keys("revoke", "carol");
    expect((await teams("list")).stdout).toBe(
      "TEAM      KEYS OF    CAPS\nresearch  alice,bob  cost/month 500\nsales     none       none\n",
    );
    const research = { name: "research", caps: { costPerMonth: 500 }, callers: ["alice", "bob"] };
    expect(JSON.parse((await teams("list", "--json")).stdout)).toEqual([
      research,
      { name: "sales", caps: {}, callers: [] },
    ]);
    expect(JSON.parse((await teams("show", "research", "--json")).stdout)).toEqual(research);
    expect(await teams("show", "nobody")).toMatchObject({ code: 2, stdout: "" });
  });

  test("delete refuses a team that has keys, names their callers, and with --keep-keys leaves them without a team", async () => {
    const { teams, keys, stored } = place();
    await teams("create", "research", "--cost-per-month", "500");
    await keys("create", "alice", "--team", "research");
    expect(await teams("delete", "research")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: the keys of alice are in team research; --keep-keys deletes it and leaves them without a team\n",
    });
    expect(stored().keys[0]?.team?.caps).toEqual({ costPerMonth: 500 });
    expect(await teams("delete", "research", "--keep-keys")).toEqual({
      code: 0,
      stdout: "team research is deleted; in no team now: alice\n",
      stderr: "",
    });
    expect(stored()).toMatchObject({ teams: [], keys: [{ caller: "alice" }] });
    expect(stored().keys[0]).not.toHaveProperty("team");
    await teams("create", "empty");
    expect((await teams("delete", "empty")).stdout).toBe("team empty is deleted\n");
  });

  test.each([
    [["make"], "there is no command teams make"],
    [["create"], "teams create takes one name"],
    [["list", "research"], "teams list takes no name"],
    [["show", "research", "--tokens-per-day", "5"], "teams show takes no --tokens-per-day"],
    [["create", "research", "--keep-keys"], "teams create takes no --keep-keys"],
    [["create", "research", "--tokens-per-day", "none"], "--tokens-per-day takes a whole number above 0, not none"],
    [["change", "research"], "teams change takes caps"],
    [["change", "research", "--cost-per-day", "cheap"], "--cost-per-day takes an amount such as 20 or 2.50, not cheap"],
    [["create", "a team"], "a team's name has up to 64"],
    [["create", "none"], "a team's name has up to 64"],
  ])("%j is bad usage, says why, and changes nothing", async (args, reason) => {
    const { teams, stored } = place();
    expect(await teams(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(reason) });
    expect(stored().teams).toEqual([]);
  });

  test("prints its usage, in lines that fit", async () => {
    const { stdout } = await place().teams("--help");
    expect(stdout).toMatch(/^Usage: sluice teams create/);
    expect(stdout.split("\n").every((line) => line.length <= 110)).toBe(true);
  });
});

describe("a key and its team", () => {
  test("a key is made in a team that is there, and shown with it", async () => {
    const { teams, keys, stored } = place();
    expect(await keys("create", "alice", "--team", "research")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "sluice: there is no team research; sluice teams list shows all\n",
    });
    expect(stored().keys).toEqual([]);
    await teams("create", "research", "--tokens-per-day", "5");
    await keys("create", "alice", "--team", "research");
    expect(stored().keys).toMatchObject([{ team: { name: "research", caps: { tokensPerDay: 5 } } }]);
    expect((await keys("list")).stdout).toMatch(/TEAM +CAPS\n.* research +none\n/);
    expect(JSON.parse((await keys("list", "--json")).stdout)).toMatchObject([{ caller: "alice", team: "research" }]);
  });

  test("keys change moves it, and takes it out of its team; its caps stay", async () => {
    const { teams, keys, stored } = place();
    for (const name of ["research", "sales"]) await teams("create", name);
    await keys("create", "alice", "--team", "research", "--tokens-per-day", "5");
    const moved = await keys("change", "alice", "--team", "sales");
    expect(moved).toMatchObject({ code: 0, stderr: "" });
    expect(moved.stdout).toMatch(/^key_\w+ of alice is changed: team sales, caps tokens\/day 5\n$/);
    expect(stored().keys).toMatchObject([{ caps: { tokensPerDay: 5 }, team: { name: "sales" } }]);
    expect(await keys("change", "alice", "--team", "nowhere")).toMatchObject({ code: 2 });
    expect(stored().keys).toMatchObject([{ team: { name: "sales" } }]);
    await keys("change", "alice", "--team", "none");
    expect(stored().keys[0]).not.toHaveProperty("team");
  });

  test("keys change sets caps and removes those that are none; its secret and team stay", async () => {
    const { teams, keys, stored } = place();
    await teams("create", "research");
    await keys("create", "alice", "--team", "research", "--tokens-per-day", "5", "--cost-per-day", "2");
    const [before] = stored().keys;
    const args = ["--tokens-per-day", "none", "--requests-per-minute", "3"];
    const { stdout } = await keys("change", "alice", ...args, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ caller: "alice", caps: { costPerDay: 2, requestsPerMinute: 3 } });
    expect(stored().keys).toEqual([{ ...before, caps: { costPerDay: 2, requestsPerMinute: 3 } }]);
  });

  test("keys change takes something to change, of a key that is not revoked", async () => {
    const { keys, stored } = place();
    await keys("create", "alice");
    expect(await keys("change", "alice")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("keys change takes --team or caps"),
    });
    expect(await keys("change", "alice", "--models", "gpt")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("keys change takes no --models"),
    });
    const { id = "" } = stored().keys[0] ?? {};
    await keys("revoke", "alice");
    expect(await keys("change", id, "--team", "none")).toMatchObject({ code: 2, stderr: `sluice: ${id} is revoked\n` });
  });
});
