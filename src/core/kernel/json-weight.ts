import { beginsNumber, numberEnd } from "./json-digits.ts";

/** What JSON may weigh before it is parsed: what makes parsing, checking and copying it dear. */
export interface JsonBounds {
  /**
   * Members of lists and objects count 1, lists and objects 1 more, and keys 4 more where they make an object's shape anew:
   * not when an object before had the same keys up to there. A number that would change its digits counts 5 more.
   */
  readonly weight: number;
}

/**
 * Of clients that are known. A conversation of 8,000 messages, each a tool call or its result, weighs 148,000, and 150 tools
 * with 60 properties each 82,000. The dearest so heavy (25,000 objects with a key of its own each) takes 15 ms to parse on the
 * machine of bench/README.md.
 */
export const CALLER_JSON: JsonBounds = { weight: 150_000 };
/** Of others: ten times what a handshake is. */
export const STRANGER_JSON: JsonBounds = { weight: 1_000 };

/** Keys of one object: objects with many are dear to copy, and a face copies its request's fields. */
const MAX_KEYS = 10_000;
/** Other characters outside of strings, which are those of numbers. */
const MAX_CHARACTERS = 2_000_000;
/** Blanks outside of strings: 150 tools with 60 properties each, laid out for people in steps of four, have 2.4 million. */
const MAX_BLANKS = 4_000_000;
const NEW_KEY_WEIGHT = 4;
/** A number that is kept by its digits takes as long to make as six members to parse. */
const ODD_NUMBER_WEIGHT = 5;
/** Later keys of an object always count as new: the engine makes tables of objects that have many. */
const SHAPED_KEYS = 32;
/** So do longer keys, which would take time to compare. */
const SHAPED_KEY_LENGTH = 64;
/** Behind a quote that is escaped another is near: looking from one to the next would be slower than reading on. */
const NEAR = 32;

/** From the golden ratio: spreads what is multiplied by it over 32 bits. */
const SPREAD = 0x9e3779b1;
/** Of this process alone, so that nobody can make shapes look alike. */
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
 * Whether a text is too heavy to be parsed as JSON, or nests deeper than `maxDepth`. It reads what stands outside of
 * strings, and stops where a limit is reached. What is no JSON is as heavy as up to where that shows. Where numbers begin and
 * end that would change their digits on the way is added to `odd`.
 */
export function isTooHeavy(text: string, bounds: JsonBounds, maxDepth: number, odd: number[] = []): boolean {
  const keys = [0];
  /** What stands for the keys so far of the object at each depth, and all that were seen. */
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

/** What stands for an object's keys when one more, from `start` to `end`, comes behind them. */
function shapeWith(keys: number, text: string, start: number, end: number): number {
  let hash = keys ^ SEED;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), SPREAD);
  return hash ^ (hash >>> 15);
}

/** Whether a key may be a number, which is part of no shape; a digit may be written as an escape. */
function isIndex(text: string, start: number): boolean {
  const first = text.charCodeAt(start);
  return (first >= ZERO && first <= NINE) || first === BACKSLASH;
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
