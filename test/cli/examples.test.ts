import { parseArgs } from "node:util";
import { expect, test } from "@jest/globals";
import { USAGE } from "../../src/cli/command-line.ts";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { worldWith } from "../support/command-world.ts";

/** The commands that --help itself explains. */
const LINE = ["serve", "check"];

/** The examples in a command's --help: of each line the `sluice …` in it, without what explains it. */
function examplesIn(help: string): readonly string[] {
  const [, examples = ""] = help.split("\nExamples\n");
  return [...examples.matchAll(/sluice(?![-.\w/])[^\n()&>]*?(?=\s{2,}|[)&>\n]|$)/g)]
    .map(([line]) => line.trim())
    .filter((line) => line !== "");
}

/** Examples with an option or a word that their command lacks, or of no command. */
async function wrong(examples: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const example of examples) {
    const [, first = "", ...rest] = example.split(" ");
    const name = first === "" || first.startsWith("-") ? "serve" : first;
    const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.load() : undefined;
    const args = name === first ? rest : [first, ...rest].filter(Boolean);
    try {
      if (!command) throw new Error("no such command");
      const { positionals } = parseArgs({ args, options: command.options, allowPositionals: true });
      if (command.words && !command.words.includes(positionals[0] ?? "")) throw new Error("no such word");
    } catch {
      found.push(example);
    }
  }
  return found;
}

test("an example with an unknown command, option or word is found", async () => {
  const examples = ["sluice keys list", "sluice key list", "sluice usage --bye day", "sluice keys make x", "sluice"];
  expect(await wrong(examples)).toEqual(examples.slice(1, 4));
});

const own = Object.entries(COMMANDS).filter(([name]) => !LINE.includes(name));

test.each(own)("sluice %s --help shows examples of it that can be typed", async (name, command) => {
  const { world, written } = worldWith();
  expect(await (await command.load()).run?.(["--help"], world)).toBe(0);
  const examples = examplesIn(written.stdout);
  expect(examples.filter((example) => example.startsWith(`sluice ${name}`)).length).toBeGreaterThan(1);
  expect(await wrong(examples)).toEqual([]);
});

test("sluice --help shows examples of the commands without a help of their own", async () => {
  const examples = examplesIn(USAGE);
  expect(await wrong(examples)).toEqual([]);
  for (const name of LINE) expect(examples.some((example) => example.startsWith(`sluice ${name}`))).toBe(true);
  expect(examples).toContain("sluice");
});
