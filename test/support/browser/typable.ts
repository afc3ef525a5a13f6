import { parseArgs } from "node:util";
import { COMMANDS } from "../../../src/cli/command-table.ts";

/** Of lines such as `sluice keys list`: those with an option or a word that their command lacks, or of no command. */
export async function untypable(lines: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const line of lines) {
    const [, first = "", ...rest] = line.split(" ");
    const name = first === "" || first.startsWith("-") ? "serve" : first;
    const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.load() : undefined;
    const args = name === first ? rest : [first, ...rest].filter(Boolean);
    try {
      if (!command) throw new Error("no such command");
      const { positionals } = parseArgs({ args, options: command.options, allowPositionals: true });
      const [word] = positionals;
      if (command.words && word !== undefined && !command.words.includes(word)) throw new Error("no such word");
    } catch {
      found.push(line);
    }
  }
  return found;
}
