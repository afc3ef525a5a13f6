import { expect, test } from "@jest/globals";
import { USAGE } from "../../src/cli/command-line.ts";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { untypable } from "../support/browser/typable.ts";
import { worldWith } from "../support/openclaw/command-world.ts";

/** The commands that --help itself explains. */
const LINE = ["serve", "check"];

/** The examples in a command's --help: of each line the `sluice …` in it, without what explains it. */
function examplesIn(help: string): readonly string[] {
  const [, examples = ""] = help.split("\nExamples\n");
  return [...examples.matchAll(/sluice(?![-.\w/])[^\n()&>]*?(?=\s{2,}|[)&>\n]|$)/g)]
    .map(([line]) => line.trim())
    .filter((line) => line !== "");
}

test("an example with an unknown command, option or word is found", async () => {
  const examples = ["sluice keys list", "sluice key list", "sluice usage --bye day", "sluice keys make x", "sluice"];
  expect(await untypable(examples)).toEqual(examples.slice(1, 4));
});

const own = Object.entries(COMMANDS).filter(([name]) => !LINE.includes(name));

test.each(own)("sluice %s --help shows examples of it that can be typed", async (name, command) => {
  const { world, written } = worldWith();
  expect(await (await command.load()).run?.(["--help"], world)).toBe(0);
  const examples = examplesIn(written.stdout);
  expect(examples.filter((example) => example.startsWith(`sluice ${name}`)).length).toBeGreaterThan(1);
  expect(await untypable(examples)).toEqual([]);
});

test("sluice --help shows examples of the commands without a help of their own", async () => {
  const examples = examplesIn(USAGE);
  expect(await untypable(examples)).toEqual([]);
  for (const name of LINE) expect(examples.some((example) => example.startsWith(`sluice ${name}`))).toBe(true);
  expect(examples).toContain("sluice");
});
