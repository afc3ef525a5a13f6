import type { Completeness } from "../../core/dialect/dialect.ts";
import { asObject, asString, type JsonObject, type JsonValue } from "../../core/kernel/json.ts";

/** Keys of a delta whose strings are not part of the answer. */
const LABELS = new Set(["role", "type"]);

/**
 * Tracks which answers ("choices") of a chat stream are still in progress. A finish reason ends a choice until more content
 * follows: some servers send the reason with the first chunk, or with every chunk.
 */
export class ChatChoices {
  readonly #wanted: number;
  readonly #open = new Set<number>();
  /** Finished choices, and whether their last finish reason can be trusted. */
  readonly #finished = new Map<number, boolean>();
  /** Choices that had content after a finish reason. */
  readonly #doubted = new Set<number>();
  #before: Completeness = "open";
  #hasNews = false;

  /** `wanted`: the number of answers requested. */
  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  /** The indexes of choices that began and have not finished. */
  get open(): readonly number[] {
    return [...this.#open];
  }

  /** Whether a choice has begun. */
  has(index: number): boolean {
    return this.#open.has(index) || this.#finished.has(index);
  }

  /** Takes note of one choice of a chunk. */
  note(index: number, delta: JsonObject | undefined, finish: string | undefined): void {
    if (finish) this.#finish(index, delta);
    else if (!this.#open.has(index)) this.#begin(index, delta);
  }

  /** How complete the answer is, if a choice has finished or reopened since the last call; else undefined. */
  news(): Completeness | undefined {
    if (!this.#hasNews) return undefined;
    this.#hasNews = false;
    const now = this.#completeness();
    this.#before = now;
    return now;
  }

  #begin(index: number, delta: JsonObject | undefined): void {
    const isAgain = this.#finished.has(index);
    // A chunk that only repeats the role, or is empty, does not reopen a choice.
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
    // A reason that comes with content again was wrong the first time, and may be wrong now.
    this.#finished.set(index, !(isSpoken && this.#doubted.has(index)));
    this.#hasNews = true;
  }

  #completeness(): Completeness {
    if (this.#open.size > 0 || this.#finished.size < this.#wanted) return "open";
    return [...this.#finished.values()].every(Boolean) ? "whole" : "at_end";
  }
}

/** Whether a delta has content, in whatever field a server puts text, reasoning or calls. */
export const speaks = (delta: JsonValue | undefined): boolean => textLength(delta) > 0;

/** The characters of text in a delta. Recursion is bounded by `MAX_JSON_DEPTH`. */
export function textLength(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, item: JsonValue) => sum + textLength(item), 0);
  let sum = 0;
  for (const [key, field] of Object.entries(asObject(value) ?? {})) if (!LABELS.has(key)) sum += textLength(field);
  return sum;
}

/** Whether a value is empty: null, "", [], {}, or a list or object of such values. */
export function isBlank(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.every(isBlank);
  const fields = asObject(value);
  if (fields) return Object.values(fields).every(isBlank);
  return value === undefined || value === null || asString(value) === "";
}
