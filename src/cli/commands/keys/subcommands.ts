import { GatewayError } from "../../../core/kernel/errors.ts";
import { exitFor, OK } from "../../exit-codes.ts";
import type { KeysWorld } from "./open-keys.ts";

/** What `sluice keys` and `sluice teams` have in common: a command whose first word says what it does. */
export interface Subcommands<Values extends object> {
  /** `keys` or `teams`. */
  readonly of: string;
  readonly usage: string;
  /** How many names each word takes, and which options. */
  readonly words: Readonly<Record<string, { readonly names: number; readonly options: readonly (keyof Values)[] }>>;
  /** Throws for an option that does not exist. */
  readonly parse: (args: readonly string[]) => { readonly values: Values; readonly positionals: readonly string[] };
  /** `name` is empty for a word that takes none. */
  readonly run: (word: string, name: string, values: Values, world: KeysWorld) => Promise<void>;
}

/** The options that every word takes. */
export const SHARED_OPTIONS = {
  json: { type: "boolean" },
  config: { type: "string" },
  data: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Runs one of them, or prints the usage. Resolves with the exit code; never rejects. */
export async function runSubcommand<Values extends { readonly help?: boolean | undefined }>(
  commands: Subcommands<Values>,
  args: readonly string[],
  world: KeysWorld,
): Promise<number> {
  try {
    const { values, positionals } = commands.parse(args);
    const [word = "", ...names] = positionals;
    if (values.help || word === "") world.stdout.write(commands.usage);
    else {
      check(commands, word, names, values);
      await commands.run(word, names[0] ?? "", values, world);
    }
    return OK;
  } catch (error) {
    return exitFor(error, world.stderr);
  }
}

/** Throws `bad_request` for a word, a number of names or an option that it does not take. */
function check<Values extends object>(
  { of, words }: Subcommands<Values>,
  word: string,
  names: readonly string[],
  values: Values,
): void {
  const known = words[word];
  if (!known) throw bad(`there is no command ${of} ${word}; see sluice ${of} --help`);
  if (names.length !== known.names) throw bad(`${of} ${word} takes ${known.names === 0 ? "no name" : "one name"}`);
  const fits: readonly PropertyKey[] = [...Object.keys(SHARED_OPTIONS), ...known.options];
  const strange = Object.keys(values).find((given) => !fits.includes(given));
  if (strange !== undefined) throw bad(`${of} ${word} takes no --${strange}`);
}

/** A value as `--json` prints it. */
export const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A command that cannot be carried out as it was given. */
export const bad = (message: string): GatewayError => new GatewayError("bad_request", message);
