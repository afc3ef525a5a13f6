import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { COMMANDS } from "../../../src/cli/command-table.ts";
import { worldWith } from "../../support/openclaw/command-world.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const names = Object.keys(COMMANDS);

async function scriptFor(shell: string): Promise<string> {
  const { world, written } = worldWith();
  const { run } = (await COMMANDS.completion?.load()) ?? {};
  expect(await run?.([shell], world)).toBe(0);
  return written.stdout;
}

/** How each shell is asked what follows `line`, one suggestion a line. */
const ASK: Readonly<Record<string, (script: string, line: string) => readonly string[]>> = {
  bash: (script, line) => [
    "bash",
    "-c",
    `source ${script}; COMP_WORDS=(${line.endsWith(" ") ? `${line} ''` : line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1));
     $(complete -p sluice | sed -E 's/.*-F ([^ ]+) .*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  // What zsh offers, it tells only a terminal: the two functions that take it are replaced.
  zsh: (script, line) => [
    "zsh",
    "-fc",
    `compdef() {}; compadd() { shift; print -l -- "$@" }; _describe() { print -l -- "\${commands[@]%%:*}" }; _files() { print -l -- * };
     source ${script}; words=(${line.endsWith(" ") ? `${line} ''` : line}); CURRENT=$#words; _sluice`,
  ],
  fish: (script, line) => [
    "fish",
    "--no-config",
    "-c",
    `source ${script}; complete -C '${line}' | string split -f1 \\t`,
  ],
};

describe.each(Object.keys(ASK))("in %s", (shell) => {
  const here = spawnSync(shell, ["--version"]).status === 0;
  const inShell = here ? test : test.skip;
  const suffix = here ? "" : ` (skipped: ${shell} is not here)`;

  async function offered(line: string, cwd = directory()): Promise<readonly string[]> {
    const script = join(directory(), "script");
    writeFileSync(script, await scriptFor(shell));
    const [program = "", ...args] = ASK[shell]?.(script, line) ?? [];
    const env = { PATH: process.env.PATH, HOME: cwd };
    const { stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.split("\n").filter(Boolean);
  }

  inShell(`every command of --help is offered${suffix}`, async () => {
    expect(await offered("sluice ")).toEqual(expect.arrayContaining(names));
  });

  inShell(`each command's own options and words follow it, and no other's${suffix}`, async () => {
    for (const name of names) {
      const { options, words = [] } = (await COMMANDS[name]?.load()) ?? { options: {} };
      const flags = (await offered(`sluice ${name} --`)).filter((word) => word.startsWith("--"));
      expect([name, flags.sort()]).toEqual([
        name,
        Object.keys(options)
          .map((key) => `--${key}`)
          .sort(),
      ]);
      expect(await offered(`sluice ${name} `)).toEqual(expect.arrayContaining([...words]));
    }
  });

  inShell(`files follow options that take one, and nothing those that take another value${suffix}`, async () => {
    const cwd = directory();
    writeFileSync(join(cwd, "my config.json"), "{}");
    expect(await offered("sluice check --config ", cwd)).toEqual([expect.stringMatching(/^my.*config\.json$/)]);
    expect(await offered("sluice serve --port ", cwd)).toEqual([]);
  });
});

test.each([[[]], [["tcsh"]], [["bash", "zsh"]]])("%j is bad usage", async (args) => {
  const { world, written } = worldWith();
  const { run } = (await COMMANDS.completion?.load()) ?? {};
  expect(await run?.(args, world)).toBe(2);
  expect(written).toEqual({ stdout: "", stderr: "sluice: completion takes one of bash, zsh, fish\n" });
});
