import type { Delta } from "../dialect/dialect.ts";

/** Whether this text stands in a JSON string as it is. A loop, because most texts are a few letters. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/** After so many events in a row that fitted no shape, the stream is taken to have none. */
const MAX_MISSES = 16;

/**
 * Most events of a stream differ from the one before in a single piece of text. Such an event need not be parsed: what
 * stands around the text was, and the text itself is a JSON string by inspection, so the whole is valid JSON and means
 * what the earlier event meant, with this text. bench/README.md has the figures.
 *
 * A shape is learned only from an event without any backslash in which the text's literal occurs once: then no string is
 * written in two ways, and that literal is the place the dialect read the text from.
 */
export class EventTemplate {
  #name: string | undefined;
  #before = "";
  #after = "";
  #kind: "text" | "thinking" | undefined;
  #misses = 0;

  /** What the event means, if it has the shape of an earlier one; else undefined. */
  match(name: string | undefined, data: string): Delta | undefined {
    if (this.#kind === undefined || name !== this.#name) return undefined;
    const from = this.#before.length;
    const to = data.length - this.#after.length;
    // Slices are compared as memory; startsWith and endsWith go character by character.
    if (from >= to || data.slice(0, from) !== this.#before || data.slice(to) !== this.#after) return undefined;
    const text = data.slice(from, to);
    if (!isPlain(text)) return undefined;
    this.#misses = 0;
    return this.#kind === "text" ? { text } : { thinking: text };
  }

  /** No event is matched until another one is learned: what an earlier one meant may have changed. */
  forget(): void {
    this.#kind = undefined;
  }

  /** An event that was parsed, and what it means: the shape of those to come, perhaps. */
  learn(name: string | undefined, data: string, delta: Delta): void {
    const kind = kindOf(delta);
    const text = kind && delta[kind];
    if (!text || ++this.#misses > MAX_MISSES || data.includes("\\")) return;
    const literal = `"${text}"`;
    const at = data.indexOf(literal);
    if (at < 0 || data.includes(literal, at + 1)) return;
    this.#name = name;
    this.#before = data.slice(0, at + 1);
    this.#after = data.slice(at + 1 + text.length);
    this.#kind = kind;
  }
}

/** Whether the event brought text or thinking and nothing besides. */
function kindOf(delta: Delta): "text" | "thinking" | undefined {
  const [only, ...more] = Object.keys(delta);
  return more.length === 0 && (only === "text" || only === "thinking") ? only : undefined;
}
