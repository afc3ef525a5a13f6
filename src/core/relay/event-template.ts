import type { Delta } from "../dialect/dialect.ts";
import { copyOf } from "../kernel/byte-string.ts";
import { parseJson } from "../kernel/json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Stop learning after this many events in a row that did not match. */
const MAX_MISSES = 16;

/**
 * Fields that vary from event to event and say nothing about the answer: no dialect reads them in an event of text. OpenAI
 * fills `obfuscation` so that the lengths of events do not betray the text.
 */
const FREE_FIELDS = /"(?:obfuscation|id|created|sequence_number)":(?:"([^"]*)"|(\d{1,15})(?=[,}]))/g;

/** A place where events of one template differ. */
interface Hole {
  readonly kind: "text" | "free string" | "free number";
  /** Where its value begins and ends in the event that the template was learned from, without quotes. */
  readonly from: number;
  readonly to: number;
}

/**
 * Decodes events without parsing them if they differ from an earlier one in nothing but a piece of text and fields that say
 * nothing (`FREE_FIELDS`). Everything around these was parsed before, and they are checked to be a JSON string or number, so
 * the event is valid JSON and has the same delta with this text. bench/README.md has the figures.
 *
 * A template is learned only from an event without backslashes that contains the text's literal once: then no string has two
 * spellings, that literal is where the dialect read the text, and a quoted name before a colon is a key.
 */
export class EventTemplate {
  #name: string | undefined;
  /** What stands before each hole, and after the last. */
  #pieces: readonly string[] = [];
  #holes: readonly Hole[] = [];
  #kind: "text" | "thinking" | undefined;
  #misses = 0;
  /** The values of the free fields of the event last learned, and the places of those that have varied. */
  #values: readonly string[] = [];
  readonly #varied = new Set<number>();

  /** The event's delta if it matches the template, else undefined. */
  match(name: string | undefined, data: string): Delta | undefined {
    if (this.#kind === undefined || name !== this.#name) return undefined;
    let at = 0;
    let text = "";
    for (let index = 0; index < this.#holes.length; index++) {
      const piece = this.#pieces[index] ?? "";
      const from = at + piece.length;
      // Slices are compared as memory; startsWith and endsWith go character by character.
      if (data.slice(at, from) !== piece) return undefined;
      const kind = this.#holes[index]?.kind;
      at = kind === "free number" ? endOfNumber(data, from) : endOfPlain(data, from);
      let value: string | undefined;
      if (at >= 0) value = kind === "text" ? data.slice(from, at) : "";
      else if (kind !== "free number") {
        at = endOfString(data, from);
        value = at < 0 ? undefined : unescaped(data.slice(from, at));
      }
      if (value === undefined) return undefined;
      if (kind === "text") text = value;
    }
    if (text === "" || data.slice(at) !== this.#pieces.at(-1)) return undefined;
    this.#misses = 0;
    return this.#kind === "text" ? { text } : { thinking: text };
  }

  /** Drops the template, because the decoder's state has changed. The next text may be learned again. */
  forget(): void {
    this.#kind = undefined;
  }

  /** Takes a parsed event and its delta as the template for later ones, if it is fit for that. */
  learn(name: string | undefined, data: string, delta: Delta): void {
    const kind = kindOf(delta);
    const text = kind && delta[kind];
    if (!text || ++this.#misses > MAX_MISSES || data.includes("\\")) return;
    const literal = `"${text}"`;
    const at = data.indexOf(literal);
    if (at < 0 || data.includes(literal, at + 1)) return;
    const free = freeHoles(data);
    if (free.some(({ from }) => from === at + 1)) return;
    const holes: readonly Hole[] = [
      { kind: "text", from: at + 1, to: at + 1 + text.length } as const,
      ...this.#varying(data, free),
    ].sort((one, other) => one.from - other.from);
    this.#holes = holes;
    // The template outlives the read that brought the event.
    const own = copyOf(data);
    this.#pieces = [0, ...holes.map(({ to }) => to)].map((from, index) => own.slice(from, holes[index]?.from));
    this.#name = name === undefined ? undefined : copyOf(name);
    this.#kind = kind;
  }

  /** The free fields that differ from one learned event to another: the others are compared, which costs less than a check. */
  #varying(data: string, free: readonly Hole[]): readonly Hole[] {
    const values = free.map(({ from, to }) => copyOf(data.slice(from, to)));
    if (values.length !== this.#values.length) this.#varied.clear();
    else for (const [place, value] of values.entries()) if (value !== this.#values[place]) this.#varied.add(place);
    this.#values = values;
    return free.filter((_, place) => this.#varied.has(place));
  }
}

/** The free fields' values in an event that is valid JSON without backslashes. */
function freeHoles(data: string): readonly Hole[] {
  return [...data.matchAll(FREE_FIELDS)].map((match): Hole => {
    const [all, string, number = ""] = match;
    const end = match.index + all.length;
    if (string !== undefined) return { kind: "free string", from: end - 1 - string.length, to: end - 1 };
    return { kind: "free number", from: end - number.length, to: end };
  });
}

/** The same for a string without escapes; -1 if it has one. A loop, because most texts are a few characters. */
function endOfPlain(data: string, from: number): number {
  for (let at = from; at < data.length; at++) {
    const code = data.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code < 0x20 || code === BACKSLASH) break;
  }
  return -1;
}

/** Where a JSON string's closing quote is, if its content begins at `from`; -1 if there is none. */
function endOfString(data: string, from: number): number {
  let at = data.indexOf('"', from);
  while (at > 0 && isEscaped(data, from, at)) at = data.indexOf('"', at + 1);
  return at;
}

/** Whether an odd number of backslashes stands before `at`, none of them before `from`. */
function isEscaped(data: string, from: number, at: number): boolean {
  let first = at;
  while (first > from && data.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

/** What a JSON string with this content says; undefined if there is none. */
function unescaped(content: string): string | undefined {
  const text = parseJson(`"${content}"`);
  return typeof text === "string" ? text : undefined;
}

/** Where a JSON integer ends that begins at `from`; -1 if there is none, or one with a leading zero. */
function endOfNumber(data: string, from: number): number {
  let at = from;
  for (let code = data.charCodeAt(at); code >= 0x30 && code <= 0x39; code = data.charCodeAt(at)) at++;
  const isFit = at > from && at - from <= 15 && (data.charCodeAt(from) !== 0x30 || at === from + 1);
  return isFit ? at : -1;
}

/** The delta's only field, if that is text or thinking. */
function kindOf(delta: Delta): "text" | "thinking" | undefined {
  const [only, ...more] = Object.keys(delta);
  return more.length === 0 && (only === "text" || only === "thinking") ? only : undefined;
}
