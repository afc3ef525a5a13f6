import { parseArgs } from "node:util";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import type { Completed } from "../completion/words.ts";
import { zshScript } from "../completion/zsh.ts";
import { BAD_USAGE, exitFor, OK } from "../exit-codes.ts";

/** The outside world as the command sees it. */
export interface CompletionWorld {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
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

export const OPTIONS = { help: { type: "boolean", short: "h" } } as const;

/** Runs `sluice completion …` for these commands. Resolves with the exit code; never rejects. */
export async function runCompletion(
  args: readonly string[],
  { stdout, stderr }: CompletionWorld,
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
