import type * as z from "zod";

/** One fault of the configuration: where, what was found, what is expected. */
export interface Problem {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** A configuration that cannot be used, with all its problems. Never quotes a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];

  constructor(source: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, found, expected }) => `  ${path}: found ${found}, expected ${expected}`);
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`${source}: ${count}\n${lines.join("\n")}`);
    this.problems = problems;
  }
}

const kindOf = (value: unknown): string => {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "a string" : String(value);
};

const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};

const UNITS: Readonly<Record<string, string>> = { string: " characters", array: " entries" };

/** Longest value quoted in a message, in characters. */
const MAX_QUOTED = 60;

/** Only for fields with a fixed list of values: strings elsewhere may be misplaced secrets, so only their kind is named. */
const quote = (value: unknown) =>
  typeof value === "string" && value.length <= MAX_QUOTED ? JSON.stringify(value) : kindOf(value);

/** What is known about keys: the one closest to an unknown one, and all of an object. */
export interface KnownKeys {
  nearest(path: readonly string[], key: string): string | undefined;
  of(path: readonly string[]): readonly string[];
}

const MAX_LISTED = 40;

function describe(issue: z.core.$ZodIssue, known: KnownKeys, isQuotable: boolean): Omit<Problem, "path"> {
  const found = isQuotable ? quote(issue.input) : kindOf(issue.input);
  switch (issue.code) {
    case "invalid_type":
      return { found, expected: KINDS[issue.expected] ?? issue.expected };
    case "invalid_value":
      return {
        found: quote(issue.input),
        expected: `one of ${issue.values.map((value) => JSON.stringify(String(value))).join(", ")}`,
      };
    case "too_small":
      return { found, expected: `at least ${issue.minimum}${UNITS[issue.origin] ?? ""}` };
    case "too_big":
      return { found, expected: `at most ${issue.maximum}${UNITS[issue.origin] ?? ""}` };
    case "unrecognized_keys": {
      const path = issue.path.map(String);
      const meant = issue.keys.map((key) => known.nearest(path, key)).filter((name) => name !== undefined);
      const found = `unknown ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
      const there = `only ${known.of(path).slice(0, MAX_LISTED).join(", ")}`;
      return { found, expected: meant.length > 0 ? `perhaps ${meant.join(", ")}` : there };
    }
    case "invalid_key":
      return { found: "this name", expected: "a name of letters, digits and a few marks, not too long" };
    case "invalid_format":
      return { found: `${found} in another format`, expected: `the format ${issue.pattern ?? issue.format}` };
    case "custom":
      return { found: issue.params?.found ?? quote(issue.input), expected: issue.params?.expected ?? issue.message };
    default:
      return { found, expected: issue.message };
  }
}

/** The flag or variable that set a field. */
export interface Origin {
  readonly from: string;
  readonly isSecret: boolean;
}

/** Turns an issue of the schema into a problem. `origins` holds, by path, the fields that did not come from the file. */
export function toProblem(issue: z.core.$ZodIssue, origins: ReadonlyMap<string, Origin>, known: KnownKeys): Problem {
  const path = issue.path.join(".");
  const origin = origins.get(path);
  const described = describe(issue, known, origin !== undefined && !origin.isSecret);
  return { path: (path || "the file") + (origin ? ` (from ${origin.from})` : ""), ...described };
}
