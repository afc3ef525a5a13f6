import { parseArgs } from "node:util";
import type { Command, CommandWorld } from "../command.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import type { Completed } from "../completion/words.ts";
import { zshScript } from "../completion/zsh.ts";
import { BAD_USAGE, exitFor, OK } from "../exit-codes.ts";

const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const USAGE = `Usage: sluice completion <bash | zsh | fish>     print a script that completes commands and options

  -h, --help         print this help

Examples
  source <(sluice completion bash)                                   in ~/.bashrc
  source <(sluice completion zsh)                                    in ~/.zshrc, after compinit
  sluice completion fish > ~/.config/fish/completions/sluice.fish    once
`;

const OPTIONS = { help: { type: "boolean", short: "h" } } as const;

/** `sluice completion` for these commands, loaded when it runs. */
export const completionOf = (commands: () => Promise<readonly Completed[]>): Command => ({
  run: (args, world) => runCompletion(args, world, commands),
  options: OPTIONS,
  words: Object.keys(SHELLS),
});

async function runCompletion(
  args: readonly string[],
  { stdout, stderr }: CommandWorld,
  commands: () => Promise<readonly Completed[]>,
): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const script = SHELLS[positionals[0] ?? ""];
    if (values.help) stdout.write(USAGE);
    else if (script && positionals.length === 1) stdout.write(script(await commands()));
    else {
      stderr.write(`sluice: completion takes one of ${Object.keys(SHELLS).join(", ")}\n`);
      return BAD_USAGE;
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}
