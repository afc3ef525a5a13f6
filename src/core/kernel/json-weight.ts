import { beginsNumber, numberEnd } from "./json-digits.ts";

/** The limit on how expensive a JSON text is to parse, check and copy, measured before it is parsed. */
export interface JsonBounds {
  /**
   * Each member of an array or object weighs 1, each array or object 1 more, and each key 4 more unless an earlier object
   * had the same keys up to there (the engine reuses its shape). A number whose digits would change weighs 5 more.
   */
  readonly weight: number;
}

/**
 * The limit for authenticated clients. A conversation of 8,000 messages, each a tool call or its result, weighs 148,000; 150
 * tools with 60 properties each weigh 82,000. The slowest text of this weight (25,000 objects, each with its own key) takes
 * 15 ms to parse on the machine of bench/README.md.
 */
export const CALLER_JSON: JsonBounds = { weight: 150_000 };
/** The limit for everyone else: ten times the weight of a handshake. */
export const STRANGER_JSON: JsonBounds = { weight: 1_000 };

/** Keys of one object: faces copy requests, and large objects are expensive to copy. */
const MAX_KEYS = 10_000;
/** Other characters outside strings: those of numbers and literals. */
const MAX_CHARACTERS = 2_000_000;
/** Spaces outside strings: 150 tools with 60 properties each, indented by four, have 2.4 million. */
const MAX_BLANKS = 4_000_000;
const NEW_KEY_WEIGHT = 4;
/** An `ExactNumber` takes as long to create as six members take to parse. */
const ODD_NUMBER_WEIGHT = 5;
/** Keys after this many always weigh as new: the engine stores large objects as hash tables, without shapes. */
const SHAPED_KEYS = 32;
/** So do keys longer than this, which take long to compare. */
const SHAPED_KEY_LENGTH = 64;
/** Escaped quotes come in clusters: for this many characters a loop is faster than `indexOf` from quote to quote. */
const NEAR = 32;

/** A multiplier from the golden ratio, which spreads hashes over 32 bits. */
const SPREAD = 0x9e3779b1;
/** Random for each process, so that clients cannot construct colliding shapes. */
const SEED = Math.floor(Math.random() * 2 ** 31);

const QUOTE = 0x22;
const BLANK = 0x20;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LIST = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/**
 * Whether a JSON text is too heavy to parse, or nests deeper than `maxDepth`. Scans the text outside strings and stops at
 * the first exceeded limit; the text need not be valid JSON. Appends to `odd` the start and end offsets of the numbers whose
 * digits would change.
 */
export function isTooHeavy(text: string, bounds: JsonBounds, maxDepth: number, odd: number[] = []): boolean {
  const keys = [0];
  /** The hash of the keys so far of the open object at each depth, and all hashes seen. */
  const shapes = [0];
  const seen = new Set<number>();
  let stringAt = 0;
  let stringTo = 0;
  let weight = 0;
  let depth = 0;
  let characters = 0;
  let blanks = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    switch (character) {
      case BLANK:
        if (++blanks > MAX_BLANKS) return true;
        break;
      case QUOTE:
        stringAt = at + 1;
        at = stringEnd(text, stringAt);
        stringTo = at;
        break;
      case COMMA:
        weight++;
        break;
      case COLON: {
        const count = (keys[depth] ?? 0) + 1;
        if (count > MAX_KEYS) return true;
        keys[depth] = count;
        const isShaped = count <= SHAPED_KEYS && stringTo - stringAt <= SHAPED_KEY_LENGTH && !isIndex(text, stringAt);
        const shape = isShaped ? shapeWith(shapes[depth] ?? 0, text, stringAt, stringTo) : 0;
        if (!isShaped || !seen.has(shape)) weight += NEW_KEY_WEIGHT;
        if (isShaped) seen.add(shape);
        shapes[depth] = shape;
        break;
      }
      case LIST:
      case OBJECT:
        weight++;
        if (++depth > maxDepth) return true;
        keys[depth] = 0;
        shapes[depth] = 0;
        break;
      case LIST_END:
      case OBJECT_END:
        depth--;
        break;
      default: {
        let end = at + 1;
        if (beginsNumber(character)) {
          end = numberEnd(text, at);
          if (end < 0) {
            end = ~end;
            odd.push(at, end);
            weight += ODD_NUMBER_WEIGHT;
          }
        }
        characters += end - at;
        if (characters > MAX_CHARACTERS) return true;
        at = end - 1;
      }
    }
    if (weight > bounds.weight) return true;
  }
  return false;
}

/** The hash of an object's keys after one more, from `start` to `end`. */
function shapeWith(keys: number, text: string, start: number, end: number): number {
  let hash = keys ^ SEED;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), SPREAD);
  return hash ^ (hash >>> 15);
}

/** Whether a key may be an array index, which is not part of a shape. Its first digit may be written as an escape. */
function isIndex(text: string, start: number): boolean {
  const first = text.charCodeAt(start);
  return (first >= ZERO && first <= NINE) || first === BACKSLASH;
}

/** The offset of the quote that ends the string starting at `start`, or the end of the text. */
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

/** Whether an odd number of backslashes, none of them before `start`, precedes a quote. */
function isEscaped(text: string, quote: number, start: number): boolean {
  let first = quote;
  while (first > start && text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}
