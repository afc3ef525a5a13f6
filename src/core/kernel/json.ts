import { numberOf, parseExactly } from "./exact-number.ts";
import { CALLER_JSON, isTooHeavy, type JsonBounds } from "./json-weight.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** Nesting the gateway looks into, both from clients and from upstreams (security.md of the design: 64). */
export const MAX_JSON_DEPTH = 64;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a parsed value nests deeper than `limit`; a scalar has depth 0. Recursion is bounded by the limit. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (limit === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, limit - 1));
  for (const key in value) if (isDeeperThan((value as Record<string, unknown>)[key], limit - 1)) return true;
  return false;
}

/** What a value counts beside its text: the engine's own object or slot. */
const VALUE_BYTES = 16;

/** About how many bytes a value takes in memory. Recursion is bounded by the depth that clients' JSON may have. */
export function jsonSize(value: unknown): number {
  if (typeof value === "string") return VALUE_BYTES + value.length;
  if (typeof value !== "object" || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) for (const item of value) bytes += jsonSize(item);
  else for (const key in value) bytes += key.length + jsonSize((value as JsonObject)[key]);
  return bytes;
}

/** The parsed JSON, or undefined when it does not parse or is too deep to be looked into. Never throws. */
export function parseJson(text: string, maxDepth = MAX_JSON_DEPTH): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    return isDeeperThan(value, maxDepth) ? undefined : value;
  } catch {
    return undefined;
  }
}

/**
 * Keys by which careless copies of objects are made to change every object. `constructor` or `prototype` alone are names
 * that tools have, also in what a model said before.
 */
const isPolluting = (key: string, value: unknown): boolean =>
  key === "__proto__" || (key === "constructor" && isObject(value) && Object.hasOwn(value, "prototype"));

/** Whether a number is what the client wrote: integers beyond 2^53 have lost digits, and 1e400 is no number any more. */
const isExact = (value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));

/** What a client's JSON must be, for the message to one whose is not. */
export const FIT_JSON =
  `no deeper than ${MAX_JSON_DEPTH}, no heavier than ${CALLER_JSON.weight} (a member counts 1, a list or an object 1 more,` +
  " a key 4 more unless earlier objects had the same keys up to there, a number" +
  " like 1.0, 1e3 or one beyond 2^53 5 more) and 10000 keys an object";

/**
 * A client's JSON, or undefined when it does not parse, is too deep or too heavy, or has a key that is never right, or a
 * number that would not go upstream as it came.
 */
export function parseClientJson(text: string, bounds: JsonBounds = CALLER_JSON): JsonValue | undefined {
  if (isTooHeavy(text, bounds, MAX_JSON_DEPTH)) return undefined;
  try {
    const value: JsonValue = JSON.parse(text);
    return isFit(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A client's JSON that goes on to an upstream, with every number in the digits it came in (`ExactNumber` where the engine would
 * change them) and every key. Undefined when it does not parse, or is too deep or too heavy. A key `__proto__` is a field like
 * others: copy such objects by spreading, never by assigning their keys.
 */
export function parseRelayedJson(text: string, bounds: JsonBounds = CALLER_JSON): JsonValue | undefined {
  const odd: number[] = [];
  if (isTooHeavy(text, bounds, MAX_JSON_DEPTH, odd)) return undefined;
  try {
    return (odd.length > 0 ? parseExactly(text, odd) : JSON.parse(text)) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Whether all numbers are exact and all keys harmless. How deep and how large it is was seen in its text. */
function isFit(part: unknown): boolean {
  if (typeof part === "number") return isExact(part);
  if (typeof part !== "object" || part === null) return true;
  if (Array.isArray(part)) return part.every(isFit);
  for (const key in part) {
    const value = (part as Record<string, unknown>)[key];
    if (isPolluting(key, value) || !isFit(value)) return false;
  }
  return true;
}

/** A field as the type asked for, or undefined: upstreams are read forgivingly. */
export const asString = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export function asNumber(value: unknown): number | undefined {
  const number = numberOf(value);
  return Number.isFinite(number) ? number : undefined;
}
export const asObject = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined);
export const asArray = (value: unknown): readonly JsonValue[] => (Array.isArray(value) ? value : []);
