import type { Completeness } from "../core/dialect/dialect.ts";
import { asObject, asString, type JsonObject, type JsonValue } from "../core/kernel/json.ts";

/** Keys of a delta whose text is no part of the answer. */
const LABELS = new Set(["role", "type"]);

/**
 * Which answers of a chat stream still run. A finish reason ends a choice until it speaks again: some servers send the
 * reason with the first chunk, or with every one.
 */
export class ChatChoices {
  readonly #wanted: number;
  readonly #open = new Set<number>();
  /** The finished ones, and whether their last finish reason is to be trusted. */
  readonly #finished = new Map<number, boolean>();
  /** Spoke after a finish reason. */
  readonly #doubted = new Set<number>();
  #before: Completeness = "open";
  #hasNews = false;

  /** `wanted`: how many answers the request asked for. */
  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** Those that began and have not finished. */
  get open(): readonly number[] {
    return [...this.#open];
  }

  has(index: number): boolean {
    return this.#open.has(index) || this.#finished.has(index);
  }

  /** What a chunk holds of one choice. */
  note(index: number, delta: JsonObject | undefined, finish: string | undefined): void {
    if (finish) this.#finish(index, delta);
    else if (!this.#open.has(index)) this.#begin(index, delta);
  }

  /** How complete the answer is now, when that has changed or a choice has just finished; else undefined. */
  news(): Completeness | undefined {
    if (!this.#hasNews) return undefined;
    this.#hasNews = false;
    const now = this.#completeness();
    this.#before = now;
    return now;
  }

  #begin(index: number, delta: JsonObject | undefined): void {
    const isAgain = this.#finished.has(index);
    // A chunk behind the end that repeats the role, or says nothing, begins nothing.
    if (!speaks(delta) && (isAgain || delta?.role === undefined)) return;
    this.#open.add(index);
    if (!isAgain && this.#before === "open") return;
    if (isAgain) this.#doubted.add(index);
    this.#finished.delete(index);
    this.#hasNews = true;
  }

  #finish(index: number, delta: JsonObject | undefined): void {
    const isSpoken = speaks(delta);
    if (isSpoken && this.#finished.has(index)) this.#doubted.add(index);
    this.#open.delete(index);
    // With text beside it for a second time, the reason says as little as it did the first time.
    this.#finished.set(index, !(isSpoken && this.#doubted.has(index)));
    this.#hasNews = true;
  }

  #completeness(): Completeness {
    if (this.#open.size > 0 || this.#finished.size < this.#wanted) return "open";
    return [...this.#finished.values()].every(Boolean) ? "whole" : "at_end";
  }
}

/** Whether there is text anywhere in a delta, in whatever field a server puts text, reasoning or calls. */
export const speaks = (delta: JsonValue | undefined): boolean => textLength(delta) > 0;

/** How many characters of text there are in a delta. Recursion is bounded by the depth of JSON that is looked into. */
export function textLength(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, item: JsonValue) => sum + textLength(item), 0);
  let sum = 0;
  for (const [key, field] of Object.entries(asObject(value) ?? {})) if (!LABELS.has(key)) sum += textLength(field);
  return sum;
}

/** Whether a value is empty, whatever its type: null, "", [], {} and lists or objects of such. */
export function isBlank(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.every(isBlank);
  const fields = asObject(value);
  if (fields) return Object.values(fields).every(isBlank);
  return value === undefined || value === null || asString(value) === "";
}
