/** A command as completion sees it. */
export interface Completed {
  readonly name: string;
  readonly summary: string;
  /** The words that may follow its name. */
  readonly words?: readonly string[];
  readonly options: Readonly<Record<string, { readonly type: "string" | "boolean" }>>;
}

/** Options whose value is a path. */
const PATHS: readonly string[] = ["config", "data", "control-ui"];

const flags = (names: readonly string[]): readonly string[] => names.map((name) => `--${name}`);

/** What may follow a command's name. */
export const wordsOf = ({ words = [], options }: Completed): readonly string[] => [
  ...words,
  ...flags(Object.keys(options)),
];

/** Of all commands' options, those followed by a path, and those followed by another value. */
export function valuesOf(commands: readonly Completed[]): {
  readonly paths: readonly string[];
  readonly others: readonly string[];
} {
  const named = commands.flatMap(({ options }) => Object.entries(options));
  const names = [...new Set(named.flatMap(([name, { type }]) => (type === "string" ? [name] : [])))];
  return {
    paths: flags(names.filter((name) => PATHS.includes(name))),
    others: flags(names.filter((name) => !PATHS.includes(name))),
  };
}
