import { numberOf, parseExactly } from "./exact-number.ts";
import { CALLER_JSON, isTooHeavy, type JsonBounds } from "./json-weight.ts";

/** A parsed JSON value. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
/** A JSON object of unknown fields. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** How deep JSON from clients and upstreams may nest. Bounds every recursion over it. */
export const MAX_JSON_DEPTH = 64;

/** Whether a parsed value is an object, not an array or null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a parsed value nests deeper than `limit`; a scalar has depth 0. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (limit === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, limit - 1));
  for (const key in value) if (isDeeperThan((value as Record<string, unknown>)[key], limit - 1)) return true;
  return false;
}

/** The memory of one value beside its text. */
const VALUE_BYTES = 16;

/** Estimates the memory a value takes, in bytes. It must not nest deeper than `MAX_JSON_DEPTH`. */
export function jsonSize(value: unknown): number {
  if (typeof value === "string") return VALUE_BYTES + value.length;
  if (typeof value !== "object" || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) for (const item of value) bytes += jsonSize(item);
  else for (const key in value) bytes += key.length + jsonSize((value as JsonObject)[key]);
  return bytes;
}

/** Parses JSON. Returns undefined if it is invalid or nests too deep; never throws. */
export function parseJson(text: string, maxDepth = MAX_JSON_DEPTH): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    return isDeeperThan(value, maxDepth) ? undefined : value;
  } catch {
    return undefined;
  }
}

/**
 * Keys that pollute prototypes when an object is copied carelessly. `constructor` or `prototype` alone is harmless, and
 * occurs in tool schemas and in what models write.
 */
const isPolluting = (key: string, value: unknown): boolean =>
  key === "__proto__" || (key === "constructor" && isObject(value) && Object.hasOwn(value, "prototype"));

/** Whether a number is still what the client wrote: integers beyond 2^53 lose digits, and 1e400 becomes Infinity. */
const isExact = (value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));

/** The rules for clients' JSON, for error messages. */
export const FIT_JSON =
  `no deeper than ${MAX_JSON_DEPTH}, no heavier than ${CALLER_JSON.weight} (a member counts 1, a list or an object 1 more,` +
  " a key 4 more unless earlier objects had the same keys up to there, a number" +
  " like 1.0, 1e3 or one beyond 2^53 5 more) and 10000 keys an object";

/**
 * Parses a client's JSON. Returns undefined if it is invalid, too deep or too heavy, or contains a key that pollutes
 * prototypes or a number that cannot be forwarded unchanged.
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
 * Parses a client's JSON that is forwarded to an upstream, keeping every key and the digits of every number (as `ExactNumber`
 * where the engine would change them). Returns undefined if it is invalid, too deep or too heavy. `__proto__` is an ordinary
 * key here: copy such objects by spreading, never by assigning keys.
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

/** Whether all numbers are exact and all keys harmless. Its size and depth have been checked already. */
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

/** A field of an upstream's JSON if it has this type; undefined or an empty list otherwise, because upstreams vary. */
export const asString = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
/** The value if it is a number, including one kept digit for digit; otherwise undefined. */
export function asNumber(value: unknown): number | undefined {
  const number = numberOf(value);
  return Number.isFinite(number) ? number : undefined;
}
/** The value if it is a JSON object; otherwise undefined. */
export const asObject = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined);
/** The value if it is an array; otherwise an empty one. */
export const asArray = (value: unknown): readonly JsonValue[] => (Array.isArray(value) ? value : []);
