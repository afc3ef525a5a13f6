import { type Completed, valuesOf } from "./words.ts";

/** The script for fish. */
export function fishScript(commands: readonly Completed[]): string {
  const { paths } = valuesOf(commands);
  const lines = commands.flatMap((command, index) => [
    `complete -c sluice -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
    ...(command.words ?? []).map((word) => `complete -c sluice -n ${after(command.name)} -a ${word}`),
    ...Object.entries(command.options).flatMap(([name, { type }]) => {
      const value = type === "boolean" ? "" : paths.includes(`--${name}`) ? " -r -F" : " -x";
      const line = (condition: string) => `complete -c sluice -n ${condition} -l ${name}${value}`;
      // The first command is the default: its options may stand alone.
      return index === 0 ? [line("__fish_use_subcommand"), line(after(command.name))] : [line(after(command.name))];
    }),
  ]);
  return ["# sluice completion fish", "complete -c sluice -f", ...lines, ""].join("\n");
}

const after = (name: string): string => `'__fish_seen_subcommand_from ${name}'`;
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
