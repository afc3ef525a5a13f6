import { type JsonValue, parseJson } from "./json.ts";

/** Longer texts are left as they are: mending one costs a hundred times what parsing it does. */
const MAX_CHARACTERS = 262_144;

/** Words of JavaScript and Python that JSON does not have, and a comma behind the last member. */
const FOREIGN = /[-+]?\b(?:NaN|Infinity)\b|\b(?:undefined|None|True|False)\b|,(?=\s*[}\]])/g;

/** What stands for them; a word without an entry is null. */
const MEANT: Readonly<Record<string, string>> = { True: "true", False: "false", ",": "" };

/** Escapes as JSON has them; control characters, which must be escaped; and backslashes that begin no escape. */
const ESCAPES = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|[\p{Cc}\\]/gu;

/**
 * The value of a JSON text that was written with a fault which leaves no doubt about its meaning: a raw control character
 * or a stray backslash in a string, `NaN` or `Infinity`, a word of Python's, a comma too many. Undefined for every other
 * text, and for one that nests too deep to be looked into or is longer than 256 KiB. Never throws.
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
