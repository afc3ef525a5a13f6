/** What JSON may weigh before it is parsed: what makes parsing, checking and copying it dear. */
export interface JsonBounds {
  /** Members of lists and objects count 1, lists and objects 1 more, keys 4 more: each may make an object's shape anew. */
  readonly weight: number;
}

/**
 * Of clients that are known. 27,000 keys, which is a conversation of nearly a million tokens, or 75,000 empty lists. The
 * dearest so heavy (25,000 objects with a key of its own each) takes 15 ms to parse on the machine of bench/README.md.
 */
export const CALLER_JSON: JsonBounds = { weight: 150_000 };
/** Of others: ten times what a handshake is. */
export const STRANGER_JSON: JsonBounds = { weight: 1_000 };

/** Keys of one object: objects with many are dear to copy, and a face copies its request's fields. */
const MAX_KEYS = 10_000;
/** Characters outside of strings: numbers, and the blanks of JSON that was laid out for people. */
const MAX_CHARACTERS = 2_000_000;
const KEY_WEIGHT = 4;
/** Behind a quote that is escaped another is near: looking from one to the next would be slower than reading on. */
const NEAR = 32;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const LIST = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/**
 * Whether a text is too heavy to be parsed as JSON, or nests deeper than `maxDepth`. It reads what stands outside of
 * strings, and stops where a limit is reached. What is no JSON is as heavy as up to where that shows.
 */
export function isTooHeavy(text: string, bounds: JsonBounds, maxDepth: number): boolean {
  const keys = [0];
  let weight = 0;
  let depth = 0;
  let characters = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at + 1);
        break;
      case COMMA:
        weight++;
        break;
      case COLON: {
        weight += KEY_WEIGHT;
        const count = (keys[depth] ?? 0) + 1;
        if (count > MAX_KEYS) return true;
        keys[depth] = count;
        break;
      }
      case LIST:
      case OBJECT:
        weight++;
        if (++depth > maxDepth) return true;
        keys[depth] = 0;
        break;
      case LIST_END:
      case OBJECT_END:
        depth--;
        break;
      default:
        if (++characters > MAX_CHARACTERS) return true;
    }
    if (weight > bounds.weight) return true;
  }
  return false;
}

/** Where a string ends that begins at `start`; behind the text when it does not. */
function stringEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    if (text.charCodeAt(quote - 1) !== BACKSLASH || !isEscaped(text, quote, at)) return quote;
    at = quote + 1;
    for (const near = at + NEAR; at < near && at < text.length; at++) {
      const character = text.charCodeAt(at);
      if (character === QUOTE) return at;
      if (character === BACKSLASH) at++;
    }
  }
}

/** Whether an odd number of backslashes stands before a quote; none of those before `start` belongs to them. */
function isEscaped(text: string, quote: number, start: number): boolean {
  let first = quote;
  while (first > start && text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}
