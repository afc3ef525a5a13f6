/**
 * Numbers that the engine would write in other digits than they came in: integers beyond 2^53, `1.0`, `1e308`, `-0`. They go on
 * as their source text, by the "JSON.parse source text access" of ECMAScript, which TypeScript's library does not name yet.
 */
const { rawJSON, isRawJSON } = JSON as JSON & {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): boolean;
};
/** A number by its digits, which `JSON.stringify` writes as they are. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** Whether a parsed value is such a number; an object of a client's with the same field is none. */
export const isExactNumber = (value: unknown): value is ExactNumber =>
  typeof value === "object" && value !== null && "rawJSON" in value && isRawJSON(value);

/** The value of a number, however it is kept. Undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isExactNumber(value) ? Number(value.rawJSON) : undefined;
}

/** Begins the strings that stand for exact numbers while a text is parsed. Of this process alone: no client can send one. */
const MARK = `\ue000${Math.random()}${Math.random()}:`;

/**
 * `JSON.parse`, but for the numbers of which `places` has begin and end in turns: they become `ExactNumber`s. (A reviver, to
 * which the engine tells each number's text, would take ten times as long.) Throws `SyntaxError` as `JSON.parse` does.
 */
export function parseExactly(text: string, places: readonly number[]): unknown {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at + 1 < places.length; at += 2) {
    const [start = 0, end = 0] = [places[at], places[at + 1]];
    parts.push(text.slice(from, start), '"', MARK, text.slice(start, end), '"');
    from = end;
  }
  parts.push(text.slice(from));
  return withExactNumbers(JSON.parse(parts.join("")));
}

/** Puts exact numbers where marked strings stand. Recursion is bounded by the depth of what is parsed. */
function withExactNumbers(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(MARK) ? rawJSON(value.slice(MARK.length)) : value;
  if (typeof value !== "object" || value === null) return value;
  const members = value as Record<string, unknown>;
  for (const key in members) {
    // A number may stand for a value and not for a key.
    if (key.startsWith(MARK)) throw new SyntaxError("a number as a key");
    const before = members[key];
    const after = withExactNumbers(before);
    if (after !== before) members[key] = after;
  }
  return value;
}
