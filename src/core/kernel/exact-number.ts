/**
 * Keeps the source text of numbers that JavaScript would rewrite: integers beyond 2^53, `1.0`, `1e308`, `-0`. Uses ECMAScript's
 * JSON.rawJSON, which TypeScript's library does not declare yet.
 */
const { rawJSON, isRawJSON } = JSON as JSON & {
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): boolean;
};
/** A number as its source text; `JSON.stringify` writes it unchanged. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** Whether a parsed value is an exact number, not merely an object with the same field. */
export const isExactNumber = (value: unknown): value is ExactNumber =>
  typeof value === "object" && value !== null && "rawJSON" in value && isRawJSON(value);

/** The value of a number or an exact number; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isExactNumber(value) ? Number(value.rawJSON) : undefined;
}

/** The prefix of placeholder strings for exact numbers during parsing. Random, so that no client can send one. */
const MARK = `\ue000${Math.random()}${Math.random()}:`;

/**
 * Parses JSON. The numbers whose start and end offsets alternate in `places` become `ExactNumber`s. (A reviver that receives
 * each number's source takes ten times as long.) Throws `SyntaxError` as `JSON.parse` does.
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

/** Replaces placeholder strings, in place. The JSON's depth bounds the recursion. */
function withExactNumbers(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(MARK) ? rawJSON(value.slice(MARK.length)) : value;
  if (typeof value !== "object" || value === null) return value;
  const members = value as Record<string, unknown>;
  for (const key in members) {
    // The placeholder would make `{1:2}` valid.
    if (key.startsWith(MARK)) throw new SyntaxError("a number as a key");
    const before = members[key];
    const after = withExactNumbers(before);
    if (after !== before) members[key] = after;
  }
  return value;
}
