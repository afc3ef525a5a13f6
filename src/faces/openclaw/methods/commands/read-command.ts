/** A message that begins with a `/word`. */
export interface CommandWords {
  /** Without the slash, in lower case. */
  readonly word: string;
  /** What follows it, trimmed. */
  readonly argument: string;
}

/**
 * A slash, a word, and then the end, a blank or punctuation: paths (`/etc/hosts`, `/index.html`), comments (`//`) and
 * numbers (`/2`) have another form.
 */
const COMMAND = /^\s*\/(\p{L}[\p{L}\p{N}_-]*)(?:[.,:;!?]+(?=\s|$)|(?=\s|$)|:(?=\S))([\s\S]*)$/u;

/** The command at the beginning of a message; undefined for a message that is none. */
export function readCommand(message: string): CommandWords | undefined {
  const [, word, argument = ""] = COMMAND.exec(message) ?? [];
  return word === undefined ? undefined : { word: word.toLowerCase(), argument: argument.trim() };
}
