import type { Delta } from "../dialect/dialect.ts";

/** Whether a JSON string holds this text unescaped. A loop, because most texts are a few characters. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/** Stop learning after this many events in a row that did not match. */
const MAX_MISSES = 16;

/**
 * Decodes events without parsing them if they differ from an earlier one in a single piece of text. Everything around the
 * text was parsed before, and the text is checked to be a plain JSON string, so the event is valid JSON and has the same
 * delta with this text. bench/README.md has the figures.
 *
 * A template is learned only from an event without backslashes that contains the text's literal once: then no string has two
 * spellings, and that literal is where the dialect read the text.
 */
export class EventTemplate {
  #name: string | undefined;
  #before = "";
  #after = "";
  #kind: "text" | "thinking" | undefined;
  #misses = 0;

  /** The event's delta if it matches the template, else undefined. */
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
    this.#name = name;
    this.#before = data.slice(0, at + 1);
    this.#after = data.slice(at + 1 + text.length);
    this.#kind = kind;
  }
}

/** The delta's only field, if that is text or thinking. */
function kindOf(delta: Delta): "text" | "thinking" | undefined {
  const [only, ...more] = Object.keys(delta);
  return more.length === 0 && (only === "text" || only === "thinking") ? only : undefined;
}
