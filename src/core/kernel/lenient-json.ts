import { type JsonValue, parseJson } from "./json.ts";

/** Longer texts are not mended: that costs a hundred times as much as parsing. */
const MAX_CHARACTERS = 262_144;

/** Literals of JavaScript and Python, and trailing commas. */
const FOREIGN = /[-+]?\b(?:NaN|Infinity)\b|\b(?:undefined|None|True|False)\b|,(?=\s*[}\]])/g;

/** Their replacements; a literal without an entry becomes null. */
const MEANT: Readonly<Record<string, string>> = { True: "true", False: "false", ",": "" };

/** Valid escapes, unescaped control characters, and backslashes that begin no escape. */
const ESCAPES = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[\p{Cc}\\]/gu;

/**
 * Parses a JSON object or list despite syntax errors that leave its meaning clear: a raw control character or stray
 * backslash in a string, `NaN`, `Infinity`, a Python literal, a trailing comma. Undefined for any other invalid text, and
 * for one that nests too deep or is longer than 256 Ki characters. Never throws.
 */
export function parseLenientJson(text: string): JsonValue | undefined {
  if (text.length > MAX_CHARACTERS || !/^\s*[{[]/.test(text)) return undefined;
  let mended = "";
  let at = 0;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return parseJson(mended + outside(text.slice(at)));
    const end = endOfString(text, quote + 1);
    if (end === -1) return undefined;
    mended += outside(text.slice(at, quote)) + inside(text.slice(quote, end + 1));
    at = end + 1;
  }
}

const outside = (text: string): string => text.replace(FOREIGN, (found) => MEANT[found] ?? "null");

const inside = (literal: string): string =>
  literal.replace(ESCAPES, (found) => {
    if (found === "\\") return "\\\\";
    return found.length > 1 ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });

/** The index of the quote that closes a string; -1 when none does. */
function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at;
  }
  return -1;
}
