import { optionsAlone } from "./bash.ts";
import { type Completed, valuesOf, wordsOf } from "./words.ts";

/** The script for zsh, to be sourced or put into a directory of $fpath. */
export function zshScript(commands: readonly Completed[]): string {
  const { paths, others } = valuesOf(commands);
  return `#compdef sluice
_sluice() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join("\n")}
  )
  case "\${words[CURRENT-1]}" in
    ${paths.join("|")}) _files; return ;;
    ${others.join("|")}) return ;;
  esac
  case "$CURRENT:\${words[2]}" in
    2:-*) compadd -- ${optionsAlone(commands).join(" ")} ;;
    2:*) _describe command commands ;;
${commands.map((command) => `    *:${command.name}) compadd -- ${wordsOf(command).join(" ")} ;;`).join("\n")}
    *:-*) compadd -- ${optionsAlone(commands).join(" ")} ;;
  esac
}
if [[ "\${funcstack[1]}" = _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
