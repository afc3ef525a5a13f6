import { type Completed, valuesOf, wordsOf } from "./words.ts";

/** The script for bash, of the version that macOS has, too. */
export function bashScript(commands: readonly Completed[]): string {
  const { paths, others } = valuesOf(commands);
  return `# sluice completion bash
_sluice() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words IFS=$'\\n'
  case "$before" in
    ${paths.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${others.join("|")}) COMPREPLY=(); return ;;
  esac
  case "$COMP_CWORD:\${COMP_WORDS[1]}" in
    1:*) words="${[...commands.map(({ name }) => name), ...optionsAlone(commands)].join(" ")}" ;;
${commands.map((command) => `    *:${command.name}) words="${wordsOf(command).join(" ")}" ;;`).join("\n")}
    *:-*) words="${optionsAlone(commands).join(" ")}" ;;
  esac
  COMPREPLY=($(IFS=' '; compgen -W "$words" -- "$word"))
}
complete -F _sluice sluice
`;
}

/** What may stand in place of a command: the options of the first, which is the default. */
export const optionsAlone = ([first]: readonly Completed[]): readonly string[] => (first ? wordsOf(first) : []);
