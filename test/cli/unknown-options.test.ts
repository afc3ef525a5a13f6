import { describe, expect, test } from "@jest/globals";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { BAD_USAGE } from "../../src/cli/exit-codes.ts";
import { worldWith } from "../support/openclaw/command-world.ts";

/** `serve` and `check` are the command line's own. */
const names = Object.keys(COMMANDS).filter((name) => name !== "serve" && name !== "check");

describe("an unknown option", () => {
  test.each(names)("of sluice %s is bad usage, named in one line without Node's advice", async (name) => {
    const { world, written } = worldWith();
    const command = await COMMANDS[name]?.load();
    expect(await command?.run?.(["--nope"], world)).toBe(BAD_USAGE);
    expect(written).toEqual({ stdout: "", stderr: "sluice: Unknown option '--nope'\n" });
  });
});
