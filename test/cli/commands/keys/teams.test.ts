import { describe, expect, test } from "@jest/globals";
import { temporaryDirectories } from "../../../support/stores/temporary-directory.ts";
import { EVERY_CAP, keyCommands } from "./key-commands.ts";

const directory = temporaryDirectories();
const place = () => keyCommands(directory());

describe("sluice teams", () => {
  test("create stores every cap, once", async () => {
    const { teams, storedTeams } = place();
    expect(await teams("create", "research", ...EVERY_CAP.options)).toMatchObject({ code: 0, stderr: "" });
    expect(storedTeams()).toEqual([{ name: "research", caps: EVERY_CAP.stored }]);
    expect(await teams("create", "research")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: there is a team research already; sluice teams change changes it\n",
    });
    expect(storedTeams()).toEqual([{ name: "research", caps: EVERY_CAP.stored }]);
  });

  test("change sets the caps it names, removes those that are none, and leaves the others", async () => {
    const { teams, storedTeams } = place();
    await teams("create", "research", "--tokens-per-day", "5", "--cost-per-day", "2", "--tokens-per-minute", "9");
    expect((await teams("change", "research", "--tokens-per-day", "7", "--cost-per-day", "none")).code).toBe(0);
    expect(storedTeams()).toEqual([{ name: "research", caps: { tokensPerDay: 7, tokensPerMinute: 9 } }]);
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
    const { teams, keys, storedKeys, storedTeams } = place();
    await teams("create", "research", "--cost-per-month", "500");
    await keys("create", "alice", "--team", "research");
    expect(await teams("delete", "research")).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: the keys of alice are in team research; --keep-keys deletes it and leaves them without a team\n",
    });
    expect(storedKeys()[0]?.team?.caps).toEqual({ costPerMonth: 500 });
    expect(await teams("delete", "research", "--keep-keys")).toEqual({
      code: 0,
      stdout: "team research is deleted; in no team now: alice\n",
      stderr: "",
    });
    expect(storedTeams()).toEqual([]);
    expect(storedKeys()).toMatchObject([{ caller: "alice" }]);
    expect(storedKeys()[0]).not.toHaveProperty("team");
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
    const { teams, storedTeams } = place();
    expect(await teams(...args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(reason) });
    expect(storedTeams()).toEqual([]);
  });

  test("prints its usage, in lines that fit", async () => {
    const { stdout } = await place().teams("--help");
    expect(stdout).toMatch(/^Usage: sluice teams create/);
    expect(stdout.split("\n").every((line) => line.length <= 110)).toBe(true);
  });
});

describe("a key and its team", () => {
  test("a key is made in a team that is there, and shown with it", async () => {
    const { teams, keys, storedKeys } = place();
    expect(await keys("create", "alice", "--team", "research")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "sluice: there is no team research; sluice teams list shows all\n",
    });
    expect(storedKeys()).toEqual([]);
    await teams("create", "research", "--tokens-per-day", "5");
    await keys("create", "alice", "--team", "research");
    expect(storedKeys()).toMatchObject([{ team: { name: "research", caps: { tokensPerDay: 5 } } }]);
    expect((await keys("list")).stdout).toMatch(/TEAM +CAPS\n.* research +none\n/);
    expect(JSON.parse((await keys("list", "--json")).stdout)).toMatchObject([{ caller: "alice", team: "research" }]);
  });

  test("keys change moves it, and takes it out of its team; its caps stay", async () => {
    const { teams, keys, storedKeys } = place();
    for (const name of ["research", "sales"]) await teams("create", name);
    await keys("create", "alice", "--team", "research", "--tokens-per-day", "5");
    const moved = await keys("change", "alice", "--team", "sales");
    expect(moved).toMatchObject({ code: 0, stderr: "" });
    expect(moved.stdout).toMatch(/^key_\w+ of alice is changed: team sales, caps tokens\/day 5\n$/);
    expect(storedKeys()).toMatchObject([{ caps: { tokensPerDay: 5 }, team: { name: "sales" } }]);
    expect(await keys("change", "alice", "--team", "nowhere")).toMatchObject({ code: 2 });
    expect(storedKeys()).toMatchObject([{ team: { name: "sales" } }]);
    await keys("change", "alice", "--team", "none");
    expect(storedKeys()[0]).not.toHaveProperty("team");
  });

  test("keys change sets caps and removes those that are none; its secret and team stay", async () => {
    const { teams, keys, storedKeys } = place();
    await teams("create", "research");
    await keys("create", "alice", "--team", "research", "--tokens-per-day", "5", "--cost-per-day", "2");
    const [before] = storedKeys();
    const args = ["--tokens-per-day", "none", "--requests-per-minute", "3"];
    const { stdout } = await keys("change", "alice", ...args, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ caller: "alice", caps: { costPerDay: 2, requestsPerMinute: 3 } });
    expect(storedKeys()).toEqual([{ ...before, caps: { costPerDay: 2, requestsPerMinute: 3 } }]);
  });

  test("keys change takes something to change, of a key that is not revoked", async () => {
    const { keys, storedKeys } = place();
    await keys("create", "alice");
    expect(await keys("change", "alice")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("keys change takes --team or caps"),
    });
    expect(await keys("change", "alice", "--models", "gpt")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("keys change takes no --models"),
    });
    const { id = "" } = storedKeys()[0] ?? {};
    await keys("revoke", "alice");
    expect(await keys("change", id, "--team", "none")).toMatchObject({ code: 2, stderr: `sluice: ${id} is revoked\n` });
  });
});
